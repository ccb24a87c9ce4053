"""`python -m marketing measure`: measure campaigns against their hold-outs, and keep the results."""

import argparse
import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.command import without_nan
from core.files.atomic import replace_file
from experiments.errors import ExperimentError
from experiments.measurement.arms import Arms
from experiments.measurement.metrics import METRICS
from experiments.measurement.purchases import (
    admitted_purchases,
    local_day,
    open_engine,
    outcomes_at,
    spend_before,
)
from marketing.campaigns.plan.planning import SECRET
from marketing.campaigns.policy.contact_policy import load_contact_policy
from marketing.measurement.announcement import Announcement
from marketing.measurement.arms import arms_of
from marketing.measurement.clicks import clicks_of
from marketing.measurement.clicks import to_json as clicks_to_json
from marketing.measurement.errors import MeasurementError
from marketing.measurement.global_hold_out import TOGETHER, announcement_of, arms_of_draws, draws_of
from marketing.measurement.harm import stop_on_harm
from marketing.measurement.measure import CampaignResult, measure_campaign
from marketing.measurement.report import lines, not_measured, to_json
from marketing.measurement.stored import no_plan, stored_campaign, stored_campaigns
from outbox.store import Store, has_store, open_store, store_url
from settings import Settings

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "campaign",
        metavar="CAMPAIGN",
        nargs="?",
        help="a campaign's id; default: every campaign of the outbox, and all of them together",
    )
    parser.add_argument(
        "--global-hold-out",
        action="store_true",
        help="only all campaigns together: the global hold-out against everybody else",
    )
    parser.add_argument(
        "--decisions",
        type=Path,
        metavar="FILE",
        help="Parquet of one campaign's decisions, instead of the outbox's: customer_id, variant, propensity, "
        "is_holdout, decided_at",
    )
    parser.add_argument("--metric", choices=METRICS, help="with --decisions: the announced primary metric (spend)")
    parser.add_argument(
        "--looks",
        type=date.fromisoformat,
        nargs="+",
        metavar="YYYY-MM-DD",
        help="with --decisions: the announced days of looks (one look four weeks after the first decision)",
    )


def run(settings: Settings, options: argparse.Namespace) -> dict[str, Any] | None:
    """Measure one campaign or all, log and keep the results, and return them by campaign.

    Returns:
        None if there is no outbox, or it has no campaign. All campaigns together have the key `TOGETHER`.

    Raises:
        MeasurementError: A campaign cannot be measured; the message names the next step.
        StoreError: The outbox cannot be read.
    """
    if options.decisions is not None:
        if options.campaign is None:
            raise MeasurementError("--decisions holds one campaign's decisions; name the campaign, too.")
        announcement = Announcement(options.campaign, options.metric or "spend", tuple(options.looks or ()))
        result = measure(settings, announcement, _read(options.decisions))
        return {options.campaign: _written(settings, options.campaign, to_json(result), lines(result))}
    if options.metric or options.looks:
        raise MeasurementError(
            "--metric and --looks go with --decisions. A campaign of the outbox is measured as its first plan "
            "announced, because a choice after the start would make the interval wrong."
        )
    if options.global_hold_out and options.campaign:
        raise MeasurementError("--global-hold-out measures all campaigns together; leave the campaign's id out.")
    if not has_store(settings):
        if options.campaign:
            raise no_plan(options.campaign)
        logger.info("The outbox has no campaign.")
        return None
    with closing(open_store(store_url(settings))) as store:
        if options.global_hold_out:
            return {TOGETHER: _measured_together(settings, store)}
        if options.campaign is not None:
            return {options.campaign: _measured_stored(settings, store, options.campaign)}
        found: dict[str, Any] = {}
        for campaign_id in stored_campaigns(store):
            try:
                found[campaign_id] = _measured_stored(settings, store, campaign_id)
            except (MeasurementError, ExperimentError) as error:
                # One campaign does not keep the others from being measured.
                logger.info("Campaign %s is not measured: %s", campaign_id, error)
                found[campaign_id] = {"campaign_id": campaign_id, "error": str(error)}
        if not found:
            logger.info("The outbox has no campaign.")
            return None
        try:
            found[TOGETHER] = _measured_together(settings, store)
        except (MeasurementError, ExperimentError) as error:
            logger.info("The global hold-out is not measured: %s", error)
            found[TOGETHER] = {"error": str(error)}
    return found


def measure(settings: Settings, announcement: Announcement, decisions: pa.Table) -> CampaignResult:
    """Measure a campaign from its decisions and the admitted purchases.

    Raises:
        MeasurementError: The decisions cannot be used.
        ExperimentError: Nothing is admitted.
    """
    return measure_arms(settings, announcement, arms_of(decisions))


def measure_arms(settings: Settings, announcement: Announcement, arms: Arms) -> CampaignResult:
    """Measure arms from the admitted purchases.

    Raises:
        ExperimentError: Nothing is admitted.
    """
    purchases = admitted_purchases(settings)
    start = local_day(settings, arms.decided_at.min().item())
    with open_engine(settings) as engine:

        def outcomes(kept: Arms, look: datetime) -> dict[str, np.ndarray]:
            return outcomes_at(engine, purchases, kept.customer_ids, kept.decided_at, look)

        before = spend_before(engine, purchases, arms.customer_ids, arms.decided_at)
        return measure_campaign(announcement, arms, before, outcomes, start, purchases.as_of, settings.start_of_day)


def _measured_stored(settings: Settings, store: Store, campaign_id: str) -> dict[str, Any]:
    campaign = stored_campaign(store, campaign_id)
    if campaign.was_changed:
        logger.info("Metric or looks of %s changed after the start; the first plan's hold.", campaign_id)
    result = measure(settings, campaign.announcement, campaign.decisions)
    stop = stop_on_harm(store, campaign, result, _file(settings, campaign_id))
    if stop["stopped"]:
        logger.info("Campaign %s is stopped: %s", campaign_id, stop["stopped"])
    clicks = clicks_of(settings, store, campaign_id, result.treated, admitted_purchases(settings))
    found = clicks_to_json(clicks)
    shown = [*lines(result), f"  {found['sentence']}"]
    return _written(settings, campaign_id, to_json(result) | stop | {"clicks": found}, shown)


def _measured_together(settings: Settings, store: Store) -> dict[str, Any]:
    """Measure all campaigns together, or keep the reason why nothing is identified."""
    held = load_contact_policy(settings.contact_policy).global_hold_out
    drawn = draws_of(store, held.share, held.classes)
    if isinstance(drawn, str):
        return _not_identified_together(settings, drawn)
    arms = arms_of_draws(store, drawn, settings.paths.plans / SECRET)
    start = local_day(settings, arms.decided_at.min().item())
    result = measure_arms(settings, announcement_of(start), arms)
    if not result.looks_done:
        reason = f"too few weeks since the first draw on {start}; the first look is on {result.days[0]}"
        return _not_identified_together(settings, reason)
    return _written(settings, TOGETHER, to_json(result), lines(result, "Global hold-out"))


def _not_identified_together(settings: Settings, reason: str) -> dict[str, Any]:
    found = not_measured(reason)
    return _written(settings, TOGETHER, found, [f"Global hold-out: {found['sentence']}"])


def _written(settings: Settings, name: str, result: Mapping[str, Any], shown: Sequence[str]) -> dict[str, Any]:
    """Log and keep a result, and return it as JSON values."""
    for line in shown:
        logger.info("%s", line)
    found: dict[str, Any] = without_nan(dict(result))
    file = _file(settings, name)
    file.parent.mkdir(parents=True, exist_ok=True)
    replace_file(file, json.dumps(found, indent=2) + "\n")
    logger.info("Wrote %s.", file)
    return found


def _file(settings: Settings, campaign_id: str) -> Path:
    return settings.paths.campaign_results / f"{campaign_id}.json"


def _read(file: Path) -> pa.Table:
    try:
        return pq.read_table(file)
    except (OSError, pa.ArrowException) as error:
        raise MeasurementError(f"{file} cannot be read as Parquet: {error}. Name another file.") from error
