"""Define the checkpoint of a campaign's plan, before its messages are enqueued."""

from pathlib import Path

from core.duckdb_engine import connect
from outbox.errors import OutboxError
from outbox.store import Store, open_store, store_url
from quality.checkpoints import Stages, read_json
from quality.errors import NothingToCheckError, UnreadableError
from quality.frames import plan as frames
from quality.frames.files import files_frame
from quality.suites.plan import FILES, REST
from settings import Settings

NEEDED = ("plan_id", "definition", "as_of", "policy", "restricted")


def plan_folder(settings: Settings, campaign_id: str) -> Path:
    """Return the folder of a campaign's staged plan.

    Raises:
        NothingToCheckError: the id cannot name a folder.
    """
    if Path(campaign_id).name != campaign_id:
        raise NothingToCheckError(
            f"'{campaign_id}' cannot name a campaign: its plan is a folder in {settings.paths.plans}."
        )
    return settings.paths.plans / campaign_id


def plan_id(settings: Settings, campaign_id: str) -> str:
    """Return the id of a campaign's staged plan.

    Raises:
        NothingToCheckError: nothing is staged.
    """
    return str(_read(plan_folder(settings, campaign_id)).record["plan_id"])


def plan_stages(settings: Settings, campaign_id: str, spill: Path) -> Stages:
    """Yield the checks of a campaign's staged plan.

    Raises:
        NothingToCheckError: nothing is staged.
        UnreadableError: the outbox cannot be read.
    """
    folder = plan_folder(settings, campaign_id)
    plan = _read(folder)
    store = _open(settings)
    try:
        with connect(spill, settings.duckdb_memory("25%")) as connection:
            yield FILES, {"files": files_frame(connection, folder, {plan.decisions.stem: 0})}
            frames.register(connection, plan, store)
            yield (
                REST,
                {
                    "keys": frames.keys(connection),
                    "outcomes": frames.outcomes(connection),
                    "permissions": frames.permissions(connection, plan),
                    "caps": frames.caps(connection, plan),
                    "quiet_hours": frames.quiet_hours(connection, plan),
                    "budget": frames.budget(connection, plan),
                    "arms": frames.arms(connection, plan),
                    "global_hold_out": frames.global_hold_out(
                        connection, plan, settings.paths.plans / "assignment.key"
                    ),
                    "restricted": frames.restricted(connection, plan, settings.paths.admitted / "products.parquet"),
                },
            )
    finally:
        store.close()


def _read(folder: Path) -> frames.StagedPlan:
    advice = f"Plan the campaign first: '.venv/bin/python -m marketing campaign plan {folder.name}'."
    return frames.StagedPlan(read_json(folder / "plan.json", advice, *NEEDED), folder / "decisions.parquet")


def _open(settings: Settings) -> Store:
    try:
        return open_store(store_url(settings))
    except OutboxError as error:
        raise UnreadableError(str(error)) from error
