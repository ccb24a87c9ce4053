"""Define the checkpoint of feedback: all events and decisions, before dbt builds facts from them."""

from pathlib import Path

from core.duckdb_engine import connect
from quality.checkpoints import Stages
from quality.errors import NothingToCheckError
from quality.frames.feedback import REQUIRED, feedback_facts, required_of_feedback, types_of_events
from quality.frames.files import files_frame
from quality.suites.feedback import FILES, REST
from settings import Settings


def feedback_stages(settings: Settings, spill: Path) -> Stages:
    """Yield the stages of feedback.

    Raises:
        NothingToCheckError: No feedback was ever landed.
    """
    folder = settings.paths.feedback / "landed"
    if not folder.is_dir():
        raise NothingToCheckError(f"There is no {folder}. Run `.venv/bin/python -m landing collect` first.")
    with connect(spill, settings.duckdb_memory("25%")) as connection:
        yield FILES, {"files": files_frame(connection, folder, dict.fromkeys(REQUIRED, 0))}
        frames = {
            "required": required_of_feedback(connection, folder),
            "event_types": types_of_events(connection, folder),
            "facts": feedback_facts(connection, folder),
        }
        yield REST, frames
