"""`python -m marketing measure`: measure campaigns against their hold-outs, and keep the results."""

import argparse
import json
import logging
from collections.abc import Mapping
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
from experiments.measurement.purchases import (
    METRICS,
    admitted_purchases,
    local_day,
    open_engine,
    outcomes_at,
    spend_before,
)
from marketing.measurement.announcement import Announcement
from marketing.measurement.arms import arms_of
from marketing.measurement.errors import MeasurementError
from marketing.measurement.harm import stop_on_harm
from marketing.measurement.measure import CampaignResult, measure_campaign
from marketing.measurement.report import lines, to_json
from marketing.measurement.stored import stored_campaign, stored_campaigns
from outbox.store import Store, open_store, store_url
from settings import Settings

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "campaign", metavar="CAMPAIGN", nargs="?", help="a campaign's id; default: every campaign of the outbox"
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
        None if the outbox has no campaign.

    Raises:
        MeasurementError: A campaign cannot be measured; the message names the next step.
        StoreError: The outbox cannot be read.
    """
    if options.decisions is not None:
        if options.campaign is None:
            raise MeasurementError("--decisions holds one campaign's decisions; name the campaign, too.")
        announcement = Announcement(options.campaign, options.metric or "spend", tuple(options.looks or ()))
        return {options.campaign: _kept(settings, measure(settings, announcement, _read(options.decisions)))}
    if options.metric or options.looks:
        raise MeasurementError(
            "--metric and --looks go with --decisions. A campaign of the outbox is measured as its first plan "
            "announced, because a choice after the start would make the interval wrong."
        )
    with closing(open_store(store_url(settings))) as store:
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
    return found or None


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


def _measured_stored(settings: Settings, store: Store, campaign_id: str) -> dict[str, Any]:
    campaign = stored_campaign(store, campaign_id)
    if campaign.was_changed:
        logger.info("Metric or looks of %s changed after the start; the first plan's hold.", campaign_id)
    result = measure(settings, campaign.announcement, campaign.decisions)
    stop = stop_on_harm(store, campaign, result, _file(settings, campaign_id))
    if stop["stopped"]:
        logger.info("Campaign %s is stopped: %s", campaign_id, stop["stopped"])
    return _kept(settings, result, stop)


def _kept(settings: Settings, result: CampaignResult, stop: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Log and keep a campaign's result, and return it as JSON values."""
    for line in lines(result):
        logger.info("%s", line)
    found: dict[str, Any] = without_nan(to_json(result) | dict(stop or {}))
    file = _file(settings, result.announcement.campaign_id)
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
