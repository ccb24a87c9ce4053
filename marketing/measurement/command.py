"""`python -m marketing measure`: measure a campaign against its hold-out, and keep the result."""

import argparse
import json
import logging
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.atomic_files import replace_file
from core.command import without_nan
from marketing.measurement.announcement import METRICS, Announcement
from marketing.measurement.arms import Arms, arms_of
from marketing.measurement.errors import MeasurementError
from marketing.measurement.measure import CampaignResult, measure_campaign
from marketing.measurement.outcomes import admitted_purchases, local_day, open_engine, outcomes_at, spend_before
from marketing.measurement.report import lines, to_json
from settings import Settings

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("campaign", metavar="CAMPAIGN", help="the campaign's id")
    parser.add_argument(
        "--decisions",
        type=Path,
        metavar="FILE",
        required=True,
        help="Parquet of the campaign's decisions: customer_id, variant, propensity, is_holdout, decided_at",
    )
    parser.add_argument("--metric", choices=METRICS, default="spend", help="the announced primary metric")
    parser.add_argument(
        "--looks",
        type=date.fromisoformat,
        nargs="+",
        default=[],
        metavar="YYYY-MM-DD",
        help="the announced days of looks; default: one look four weeks after the first decision",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the result to this .json file")


def run(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    """Measure one campaign, log its result, and return it.

    Raises:
        MeasurementError: The campaign cannot be measured; the message names the next step.
    """
    announcement = Announcement(options.campaign, options.metric, tuple(options.looks))
    result = measure(settings, announcement, _read(options.decisions))
    for line in lines(result):
        logger.info("%s", line)
    found: dict[str, Any] = without_nan(to_json(result))
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        replace_file(options.out, json.dumps(found, indent=2) + "\n")
        logger.info("Wrote %s.", options.out)
    return found


def measure(settings: Settings, announcement: Announcement, decisions: pa.Table) -> CampaignResult:
    """Measure a campaign from its decisions and the admitted purchases.

    Raises:
        MeasurementError: Nothing is admitted, or the decisions cannot be used.
    """
    purchases, arms = admitted_purchases(settings), arms_of(decisions)
    start = local_day(settings, arms.decided_at.min().item())
    with open_engine(settings) as engine:

        def outcomes(kept: Arms, look: datetime) -> dict[str, np.ndarray]:
            return outcomes_at(engine, purchases, kept.customer_ids, kept.decided_at, look)

        before = spend_before(engine, purchases, arms.customer_ids, arms.decided_at)
        return measure_campaign(announcement, arms, before, outcomes, start, purchases.as_of, settings.start_of_day)


def _read(file: Path) -> pa.Table:
    try:
        return pq.read_table(file)
    except (OSError, pa.ArrowException) as error:
        raise MeasurementError(f"{file} cannot be read as Parquet: {error}. Name another file.") from error
