"""`python -m marketing campaign check|plan|enqueue`: check a file, plan a campaign, hand its plan to the outbox."""

import argparse
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from core.clock import naive_utc, utc_now
from marketing.campaigns.definition.check import check_campaign
from marketing.campaigns.definition.file import CampaignFile, read_campaign
from marketing.campaigns.definition.folder import UnusableCampaigns
from marketing.campaigns.definition.saved_audience import with_saved_audience
from marketing.campaigns.errors import CampaignError, DefinitionError
from marketing.campaigns.plan.checked import require_checked
from marketing.campaigns.plan.kept import keep
from marketing.campaigns.plan.planning import checked, plan_files, replay_files, running
from marketing.campaigns.plan.replay import lines
from marketing.campaigns.plan.sources import Sources
from marketing.campaigns.plan.staged_plan import outbox_plan, read_record
from marketing.campaigns.plan.stopped import require_not_stopped, stopped_now, without_stopped
from outbox.planning import enqueue
from outbox.store import Store, open_store, store_url
from outbox.switches import stopped_campaigns
from settings import Settings

logger = logging.getLogger(__name__)

MAX_WEEKS = 104
MAX_EXAMPLES = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the three commands and their arguments."""
    commands = parser.add_subparsers(dest="step", required=True, metavar="step")
    check = commands.add_parser("check", help="check a campaign's file without planning it")
    plan = commands.add_parser("plan", help="decide about every customer of running campaigns, and stage the plan")
    queue = commands.add_parser("enqueue", help="hand a staged and checked plan to the outbox")
    check.add_argument("campaign", metavar="FILE", help="the file, or the id of a campaign in the folder")
    plan.add_argument(
        "campaign", metavar="FILE", nargs="?", help="the file or the id; default: every running campaign of the folder"
    )
    plan.add_argument("--dry-run", action="store_true", help="print what the plan would be, and keep nothing")
    plan.add_argument("--weeks", type=int, metavar="N", help="with --dry-run: repeat the plans of the past N weeks")
    plan.add_argument(
        "--as-of", metavar="INSTANT", help="a day, or an instant such as 2018-01-01T09:00+00:00; default: now"
    )
    plan.add_argument(
        "--examples", type=int, metavar="N", help="with --dry-run: show N messages, also in the result (default: 3)"
    )
    queue.add_argument("campaign", metavar="ID", help="the id of the campaign whose plan is staged")


def run(settings: Settings, options: argparse.Namespace) -> dict[str, Any] | None:
    """Run one of the three commands; None if no campaign runs, so nothing is planned.

    Raises:
        MarketingError: the campaign cannot be used; the message names the value and the next step.
    """
    steps: dict[str, Callable[[Settings, argparse.Namespace], dict[str, Any] | None]] = {
        "check": _check,
        "plan": _plan,
        "enqueue": _enqueue,
    }
    return steps[options.step](settings, options)


def _check(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    file = _read(settings, options.campaign)
    notes = check_campaign(file, Sources.of(settings))
    for note in notes:
        logger.info(note)
    logger.info("%s can be planned; version %s, status %s.", file.campaign.id, file.version, file.campaign.status)
    return {"campaign": file.campaign.id, "version": file.version, "status": file.campaign.status, "notes": notes}


def _plan(settings: Settings, options: argparse.Namespace) -> dict[str, Any] | None:
    as_of, sources = _instant(settings, options.as_of), Sources.of(settings)
    if options.weeks is not None and not (options.dry_run and 1 <= options.weeks <= MAX_WEEKS):
        raise CampaignError(f"--weeks {options.weeks} needs --dry-run, and a number from 1 to {MAX_WEEKS}.")
    if options.examples is not None and not (options.dry_run and 1 <= options.examples <= MAX_EXAMPLES):
        raise CampaignError(f"--examples {options.examples} needs --dry-run, and a number from 1 to {MAX_EXAMPLES}.")
    wanted = [_read(settings, options.campaign)] if options.campaign else []
    unusable = UnusableCampaigns([file.path for file in wanted])
    others = [file for file in running(sources, as_of, unusable) if file.campaign.id not in _ids(wanted)]
    if not options.dry_run:
        for file in wanted:
            _require_running(file)
    if not (wanted or others or unusable.found):
        logger.info("No campaign in %s has status = 'running', so nothing is planned.", settings.campaigns_folder)
        return None
    store = open_store(store_url(settings))
    try:
        stopped = stopped_now(store, options.dry_run)
        if not options.dry_run:
            for file in wanted:
                require_not_stopped(file.campaign.id, stopped)
        others = without_stopped(others, stopped)
        files = checked([*wanted, *others], sources, unusable)
        unusable.found = [one for one in unusable.found if one.campaign not in stopped]
        if not files:
            _require_usable(unusable)
            logger.info("Every running campaign is stopped, so nothing is planned.")
            return None
        if options.weeks:
            return _replayed(wanted, files, store, sources, as_of, options.weeks)
        planned = plan_files(files, store, sources, as_of, unusable)
    finally:
        store.close()
    selected = [one for one in planned if not wanted or one.request.campaign.id in _ids(wanted)]
    kept = []
    for one in selected:
        with unusable.noted(one.request.file.path):
            kept.append(keep(one, sources, options.dry_run, options.examples))
    if not kept:
        _require_usable(unusable)
    return {
        "as_of": as_of.isoformat(),
        "campaigns": kept,
        "left_out": [asdict(one) for one in unusable.found],
    }


def _require_usable(unusable: UnusableCampaigns) -> None:
    if unusable.found:
        problems = " ".join(one.problem for one in unusable.found)
        raise CampaignError(f"None of the running campaigns can be planned. {problems}")


def _replayed(
    wanted: Sequence[CampaignFile],
    files: Sequence[CampaignFile],
    store: Store,
    sources: Sources,
    as_of: datetime,
    weeks: int,
) -> dict[str, Any]:
    """Print the past weeks of the wanted campaigns, or of all; the others compete with them."""
    instants = [as_of - timedelta(weeks=back) for back in range(weeks - 1, -1, -1)]
    replays = replay_files(files, store, sources, instants)
    found = {name: one for name, one in replays.items() if not wanted or name in _ids(wanted)}
    for name, replayed in found.items():
        for line in lines(name, replayed):
            logger.info("%s", line)
    return {
        name: [{"as_of": week.as_of.isoformat(), **week.counts} for week in replayed.weeks]
        for name, replayed in found.items()
    }


def _enqueue(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    folder = settings.paths.plans / Path(options.campaign).name
    record = read_record(folder)
    _require_running(_read(settings, record.campaign_id))
    require_checked(settings.paths.quality, folder, record)
    store = open_store(store_url(settings))
    try:
        require_not_stopped(record.campaign_id, stopped_campaigns(store))
        found = enqueue(store, outbox_plan(folder))
    finally:
        store.close()
    logger.info(
        "%s: %d messages wait, %d customers are held out, %d get none; %d were decided before.",
        found.plan_id, found.planned, found.held_out, found.suppressed, found.existing,
    )  # fmt: skip
    return {
        "plan": found.plan_id,
        "planned": found.planned,
        "held_out": found.held_out,
        "suppressed": found.suppressed,
        "existing": found.existing,
    }


def _require_running(file: CampaignFile) -> None:
    if file.campaign.status != "running":
        message = f"status = '{file.campaign.status}'. Write status = 'running' to launch it, or use --dry-run."
        raise DefinitionError(file.path.name, [file.error(("status",), message)])


def _read(settings: Settings, named: str) -> CampaignFile:
    """Return the campaign that a person names by its file's path or its id, with its saved audience."""
    path = Path(named) if Path(named).suffix == ".toml" else settings.campaigns_folder / f"{named}.toml"
    return with_saved_audience(read_campaign(path), settings.paths.audiences)


def _instant(settings: Settings, text: str | None) -> datetime:
    """Return the instant (naive UTC) of an argument; a day begins at the shop's midnight."""
    if text is None:
        return utc_now()
    try:
        if len(text) == len("2018-01-01"):
            local = datetime.combine(date.fromisoformat(text), time.min)
        else:
            local = datetime.fromisoformat(text)
    except ValueError as error:
        raise CampaignError(
            f"--as-of {text} is neither a day such as 2018-01-01 nor an instant such as 2018-01-01T09:00+00:00."
        ) from error
    zoned = local if local.tzinfo else local.replace(tzinfo=ZoneInfo(settings.timezone))
    return naive_utc(zoned.astimezone(UTC))


def _ids(files: Sequence[CampaignFile]) -> set[str]:
    return {file.campaign.id for file in files}
