"""Define the checkpoint before the publication of scores: the tables that the customer model staged."""

from datetime import date
from pathlib import Path

from core.duckdb_engine import connect
from customer_scores.errors import StagedScoresError
from customer_scores.staged import read_manifest
from quality.checkpoints import Stages
from quality.errors import NothingToCheckError
from quality.frames.customer_scores import columns, ids, intervals, probabilities, segment_shares, tags
from quality.frames.files import files_frame
from quality.suites.profiles import FILES, REST
from quality.thresholds import Thresholds
from settings import Settings

KNOWN = "feat_customer_history.parquet"
"""The feature table that has every customer."""


def profile_stages(settings: Settings, as_of: date, spill: Path, thresholds: Thresholds) -> Stages:
    """Yield the checks of the staged scores.

    Raises:
        NothingToCheckError: nothing is staged for this day, or the scored features are gone.
    """
    folder = settings.paths.staged_customers
    try:
        scores = read_manifest(folder)
    except StagedScoresError as error:
        raise NothingToCheckError(str(error)) from error
    if scores.as_of != as_of:
        raise NothingToCheckError(f"The staged scores in {folder} are of {scores.as_of}, not of {as_of}.")
    known = settings.paths.features.parent / scores.features / KNOWN
    if not known.exists():
        raise NothingToCheckError(f"The features {scores.features}, which were scored, are gone. Score again.")
    files = sorted(folder.glob("*.parquet"))
    least_customers = int(thresholds.by_check["segments_keep_their_shares"].numbers["least_customers"])
    with connect(spill, settings.duckdb_memory("25%")) as connection:
        yield FILES, {"files": files_frame(connection, folder, {file.stem: 1 for file in files})}
        frames = {
            "columns": columns(files),
            "ids": ids(connection, files, known),
            "probabilities": probabilities(connection, folder),
            "intervals": intervals(connection, folder),
            "tags": tags(connection, folder, as_of),
            "shares": segment_shares(connection, folder, settings.paths.customers, least_customers),
        }
    yield REST, frames
