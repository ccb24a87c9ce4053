"""`python -m experiments check`: simulate experiments on real spend and print how often verdicts are wrong."""

import argparse
import logging
import time
from pathlib import Path

from experiments.check.daily import DailyMetric, DailyRates, daily_error_rates
from experiments.check.error_rates import Rates, broken_assignments_caught, error_rates
from experiments.check.hidden_future import hidden_future
from experiments.check.simulated import Design
from experiments.check.weekly_spend import read_weekly_spend, transactions_file
from experiments.errors import ExperimentError
from settings import Settings

logger = logging.getLogger("experiments")

DRAWS = 3000
"""Simulated experiments per row: the Monte-Carlo error of 5% is then 0.4 points."""

BROKEN_SHARE, BROKEN_CUSTOMERS = 0.48, 20_000

_HEADER = (
    f"{'experiment':<38} {'draws':>6} {'effect':>7} {'promised':>9} {'harm':>6} {'naive':>6} {'covered':>8} "
    f"{'at end':>7} {'blocked':>8} {'SE factor':>10} {'half width':>11}"
)

_DAILY: tuple[tuple[str, DailyMetric, float], ...] = (
    ("nothing planted, daily looks", "spend", 0.0),
    ("nothing planted, daily looks, clicks", "clicks", 0.0),
    ("+10% planted, daily looks", "spend", 0.1),
)
_DAILY_HEADER = (
    f"{'experiment':<38} {'draws':>6} {'effect':>7} {'promised':>9} {'harm':>6} {'naive':>6} {'covered':>8} "
    f"{'exposed':>8}"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--transactions", type=Path, metavar="FILE", help="Parquet of a landing's transactions; default: the admitted"
    )
    parser.add_argument("--draws", type=int, default=DRAWS, help=f"simulated experiments per row; default {DRAWS}")


def run(settings: Settings, options: argparse.Namespace) -> dict[str, object]:
    """Print the table of error rates, and return the figures of the bars.

    Raises:
        ExperimentError: The spend is missing, or covers too few weeks or customers.
    """
    if options.draws < 1:
        raise ExperimentError(f"--draws is {options.draws}; simulate at least one experiment.")
    began = time.monotonic()
    weekly = read_weekly_spend(options.transactions or transactions_file(settings), settings)
    customers, weeks = weekly.spend.shape
    logger.info(f"Spend of {customers:,} customers in {weeks} weeks to {weekly.until:%Y-%m-%d}, from {weekly.source}")
    logger.info("Experiments end at the first look whose interval excludes zero; one look a week.")
    logger.info(_HEADER)
    found: dict[str, Rates] = {}
    found_daily: dict[str, DailyRates] = {}
    for name, design, lift in (
        ("nothing planted, 8 weeks", Design(8), 0.0),
        ("nothing planted, 4 weeks", Design(4), 0.0),
        ("nothing planted, 4 weeks, hold-out 10%", Design(4, 0.1), 0.0),
        ("nothing planted, 4 weeks, conversion", Design(4, metric="conversion"), 0.0),
        ("+5% planted, 4 weeks", Design(4), 0.05),
        ("+10% planted, 4 weeks", Design(4), 0.1),
    ):
        found[name] = error_rates(weekly.spend, design, lift, options.draws, settings.seed)
        logger.info(_line(name, found[name]))
    daily = read_weekly_spend(weekly.source, settings, days=1).spend
    logger.info("Experiments of the service: a look each day for 4 weeks, customers exposed one after another.")
    logger.info(_DAILY_HEADER)
    for name, metric, lift in _DAILY:
        found_daily[name] = daily_error_rates(daily, metric, lift, options.draws, settings.seed)
        logger.info(_daily_line(name, found_daily[name]))
    caught = broken_assignments_caught(BROKEN_SHARE, BROKEN_CUSTOMERS, options.draws, settings.seed)
    alarms = broken_assignments_caught(0.5, BROKEN_CUSTOMERS, options.draws, settings.seed)
    logger.info(
        f"Sample ratio of {BROKEN_CUSTOMERS:,} customers: assigned {BROKEN_SHARE:.0%} instead of 50% is caught in "
        f"{caught:.2%}, an intact one is blocked in {alarms:.2%}."
    )
    logger.info(hidden_future(weekly.spend, max(1, options.draws // 10), settings.seed).sentence)
    logger.info(f"{time.monotonic() - began:.0f} s")
    aa, *_, small, large = found.values()
    return {
        "aa_draws": aa.draws,
        "aa_false_positives": round(aa.wrong, 4),
        "aa_daily_false_positives": round(found_daily[_DAILY[0][0]].wrong, 4),
        "power_10_daily": round(found_daily[_DAILY[-1][0]].shown, 4),
        "covered_5": round(small.covered, 4),
        "covered_10": round(large.covered, 4),
        "power_5": round(small.shown, 4),
        "power_10": round(large.shown, 4),
        "broken_assignment_caught": round(caught, 4),
        "cuped_se_factor": round(found["nothing planted, 4 weeks"].se_factor, 4),
    }


def _daily_line(name: str, rates: DailyRates) -> str:
    return (
        f"{name:<38} {rates.draws:>6} {rates.shown:>7.1%} {rates.promised:>9.1%} {rates.harm:>6.1%} "
        f"{rates.uncorrected:>6.1%} {rates.covered:>8.1%} {rates.customers:>8,.0f}"
    )


def _line(name: str, rates: Rates) -> str:
    return (
        f"{name:<38} {rates.draws:>6} {rates.shown:>7.1%} {rates.promised:>9.1%} {rates.harm:>6.1%} "
        f"{rates.uncorrected:>6.1%} {rates.covered:>8.1%} {rates.covered_at_end:>7.1%} {rates.blocked:>8.2%} "
        f"{rates.se_factor:>10.3f} {rates.half_width:>11.1%}"
    )
