"""`python -m marketing past-campaigns`: the landing's campaigns, whose effect is not identified."""

import argparse
import logging
from pathlib import Path
from typing import Any

import numpy as np

from core.command import without_nan
from experiments.measurement.purchases import admitted_purchases, landed_purchases
from experiments.verdict import Outcome
from marketing.measurement.past_campaigns import PastCampaign, past_campaigns
from settings import Settings

logger = logging.getLogger(__name__)

_HEADER = f"{'campaign':<10} {'type':<8} {'start':<11} {'mailed':>7} {'chosen':>7} {'others':>7} " + (
    f"{'in it':>9} {'4 weeks before':>15} {'8 weeks before':>15}  verdict"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--landing", type=Path, metavar="FOLDER", help="Parquet tables of a landing; default: the accepted admission"
    )


def run(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    """Log a table of the landing's campaigns, and return the figures.

    Raises:
        MeasurementError: There are no campaigns or no purchases.
    """
    purchases = admitted_purchases(settings) if options.landing is None else landed_purchases(settings, options.landing)
    campaigns = past_campaigns(settings, purchases)
    logger.info("Spend per customer and week, chosen customers minus others; a struck-through number is not an effect.")
    logger.info(_HEADER)
    for campaign in campaigns:
        logger.info("%s", _line(campaign))
    compared = [campaign.result for campaign in campaigns if campaign.result is not None]
    found: dict[str, Any] = {
        "campaigns": len(campaigns),
        "compared": len(compared),
        "called_effect": sum(result.verdict.effect is not None for result in compared),
        "naive": round(float(np.mean([result.naive.difference for result in compared])), 1),
        "placebo": round(float(np.mean([result.placebos[0].difference for result in compared])), 1),
        "rows": [_row(campaign) for campaign in campaigns],
    }
    logger.info(
        f"Mean of {found['compared']}: ~~{found['naive']:+.1f}~~ in the campaign, {found['placebo']:+.1f} in the four "
        "weeks before it. None of them had a hold-out, so no effect is identified."
    )
    return without_nan(found)  # type: ignore[no-any-return]


def _row(campaign: PastCampaign) -> dict[str, Any]:
    """Return a campaign as JSON values; its naive difference is not an effect."""
    result = campaign.result
    return {
        "campaign_id": campaign.campaign_id,
        "kind": campaign.kind,
        "starts_on": campaign.starts_on.isoformat(),
        "mailed": campaign.mailed,
        "chosen": campaign.chosen,
        "others": campaign.others,
        "naive": None if result is None else result.naive.difference,
        "placebos": [] if result is None else [placebo.difference for placebo in result.placebos],
        "verdict": (Outcome.NOT_IDENTIFIED if result is None else result.verdict.outcome).value,
        "why_not": campaign.why_not,
    }


def _line(campaign: PastCampaign) -> str:
    words = (
        f"{campaign.campaign_id:<10} {campaign.kind or '':<8} {campaign.starts_on} {campaign.mailed:>8,} "
        f"{campaign.chosen:>7,} {campaign.others:>7,} "
    )
    if campaign.result is None:
        return f"{words}{'':>9} {'':>15} {'':>15}  {Outcome.NOT_IDENTIFIED.value} ({campaign.why_not})"
    before = " ".join(f"{placebo.difference:>+15.1f}" for placebo in campaign.result.placebos)
    return f"{words}{campaign.result.struck:>9} {before}  {campaign.result.verdict.outcome.value}"
