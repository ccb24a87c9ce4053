"""Run the command `offers`: print the coupons for each customer, and write the list."""

import argparse
import logging
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from core.files.atomic import staging_path, sync
from marketing.offers.allocation import Rules
from marketing.offers.campaign_offers import campaign_offers
from marketing.offers.errors import OffersError
from marketing.offers.ranking import offers_for
from marketing.offers.values_file import read_values_file
from marketing.offers.worth import Worth
from settings import Settings

logger = logging.getLogger(__name__)

SHOWN = 10
"""Coupons that are printed, and coupons and offers in the result."""

MONEY = ("budget", "face value", "cost", "margin", "no other choice")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--budget", type=float, required=True, help="money that all offered coupons may cost")
    parser.add_argument("--per-customer", type=int, default=3, help="offers per customer at most; default 3")
    parser.add_argument(
        "--max-existing-share", type=float, default=0.3,
        help="share of offers to customers who already buy the coupon's products at most; default 0.3",
    )  # fmt: skip
    parser.add_argument("--customer", help="only this customer's offers, as the service answers them")
    parser.add_argument("--coupon-values", type=Path, help="CSV or Parquet with coupon_id, face_value, margin")
    parser.add_argument("--face-value", type=float, help="assumed cost of a coupon whose worth is unknown")
    parser.add_argument("--margin", type=float, help="assumed earning on the purchases with it, before that cost")
    parser.add_argument("--out", type=Path, help="a .csv or .parquet file for the list")


def run(settings: Settings, options: argparse.Namespace) -> dict[str, object]:
    """Choose the offers, print them, and write the file that `--out` names.

    Raises:
        MarketingError: nothing is published, or an argument cannot be used.
    """
    if options.out is not None and options.out.suffix not in (".csv", ".parquet"):
        raise OffersError(f"--out {options.out} ends neither with .csv nor with .parquet.")
    folder = settings.paths.customers
    values = read_values_file(options.coupon_values) if options.coupon_values else None
    worth = Worth(values, options.face_value, options.margin)
    if options.customer is not None:
        return _of_customer(folder, worth, options)
    rules = Rules(options.budget, options.per_customer, options.max_existing_share)
    found = campaign_offers(folder, rules, worth)
    for name, value in found.facts.items():
        logger.info("%-62s %14s", name, _text(name, value))
    if found.coupons:
        logger.info("")
        logger.info("%-14s %-10s %8s %14s %12s", "coupon", "campaign", "offers", "to new buyers", "redemptions")
    for row in found.coupons[:SHOWN]:
        logger.info(
            "%-14s %-10s %8d %14d %12.1f",
            row["coupon"], row["campaign"], row["offers"], row["to new buyers"], row["expected redemptions"],
        )  # fmt: skip
    if len(found.coupons) > SHOWN:
        logger.info("and %d more coupons", len(found.coupons) - SHOWN)
    for note in found.notes:
        logger.info(note)
    if options.out is not None:
        _write(found.rows, options.out)
    return {
        **found.facts,
        "notes": found.notes,
        "coupons": found.coupons[:SHOWN],
        "first offers": found.rows.slice(0, SHOWN).to_pylist(),
        "asked": {
            "per_customer": rules.per_customer,
            "max_existing_share": rules.max_existing_share,
            "face_value": options.face_value,
            "margin": options.margin,
        },
        "file": str(options.out) if options.out else None,
    }


def _of_customer(folder: Path, worth: Worth, options: argparse.Namespace) -> dict[str, object]:
    found = offers_for(folder, options.customer, options.budget, options.per_customer, worth)
    for row in found.rows:
        logger.info(
            "%-14s campaign %-6s redeemed with %5.1f%%  %-13s %s",
            row["coupon_id"], row["campaign_id"], 100 * float(str(row["probability"])),
            "new" if row["is_new"] else "already buys",
            "" if row["expected_margin"] is None else f"expected margin {row['expected_margin']:.3f}",
        )  # fmt: skip
    for note in found.notes:
        logger.info(note)
    return {"customer_id": options.customer, "offers": found.rows, "notes": found.notes}


def _text(name: str, value: float) -> str:
    if "share" in name and not name.startswith("expected incremental"):
        return f"{value:.1%}"
    if name.startswith(MONEY) or "margin" in name or "cost" in name:
        return f"{value:,.2f}"
    return f"{value:,.1f}" if value != int(value) else f"{int(value):,}"


def _write(rows: pa.Table, target: Path) -> None:
    """Write the rows under a staging name, and rename: a reader sees a whole file or the previous one.

    Raises:
        OffersError: the folder does not exist.
    """
    if not target.parent.is_dir():
        raise OffersError(f"The folder {target.parent} of --out does not exist. Make it first.")
    staged = staging_path(target)
    if target.suffix == ".csv":
        pyarrow.csv.write_csv(rows, staged)
    else:
        pq.write_table(rows, staged)
    sync(staged)
    staged.replace(target)
    sync(target.parent)
    logger.info("%d offers are in %s.", rows.num_rows, target)
