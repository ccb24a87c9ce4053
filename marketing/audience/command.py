"""`python -m marketing audience`: print an audience, and write it to a file."""

import argparse
import logging
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from core.files.atomic import staging_path
from marketing.audience.answer import Question, answer
from marketing.audience.audience import Audience, Limits
from marketing.audience.given_customers import given_customers
from marketing.audience.question import Buyers
from marketing.audience.saved import read_saved, save
from marketing.errors import AudienceError
from settings import Settings

logger = logging.getLogger(__name__)

SHOWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--category", help="customers for a category, such as 'SOFT DRINKS'")
    asked.add_argument("--product", nargs="+", metavar="PRODUCT_ID", help="customers for products, asked for together")
    asked.add_argument("--coupon", metavar="COUPON_ID", help="customers for the products of a coupon")
    asked.add_argument(
        "--like", nargs="+", metavar="CUSTOMER_ID|FILE", help="customers like these; a file has one id per line"
    )
    asked.add_argument("--saved", metavar="NAME", help="the question saved under this name, with its limits")
    parser.add_argument("--save", metavar="NAME", help="save the question under this name, such as 'soup-new'")
    parser.add_argument("--buyers", type=Buyers, choices=list(Buyers), default=Buyers.BOTH, help="default: both")
    parser.add_argument("--size", type=int, help="at most this many customers")
    parser.add_argument("--min-probability", type=float, help="only customers with at least this probability")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the audience to a .parquet or .csv file")


def run(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    """Answer one question from the published scores, and save it under the name that `--save` gives.

    Raises:
        ScoresError: no scores are published.
        AudienceError: the question cannot be answered; the message names the value.
    """
    if options.out is not None and options.out.suffix not in (".parquet", ".csv"):
        raise AudienceError(f"'{options.out}' is not a .parquet or .csv file. Give the file one of these endings.")
    question = _question(settings, options)
    answered = answer(settings, question)
    found = answered.audience
    if answered.unsold:
        logger.info("No customer ever bought %d of the products, such as %s.", len(answered.unsold), answered.unsold[0])
    saved = save(settings.paths.audiences, options.save, question) if options.save is not None else None
    for line in summary(found):
        logger.info("%s", line)
    if options.out is not None:
        write_audience(found, options.out)
        logger.info("Wrote %s.", options.out)
    if saved is not None:
        logger.info("Saved the question as %s.", saved)
    result: dict[str, Any] = {"customers": len(found.scores), "past_buyers": int(found.is_past.sum())}
    if found.total is not None:
        result["expected_buyers"] = round(found.total.expected_buyers, 1)
    if found.warnings:
        result["warnings"] = list(found.warnings)
    if saved is not None:
        result["saved"] = str(saved)
    return result | ({"out": str(options.out)} if options.out else {})


def _question(settings: Settings, options: argparse.Namespace) -> Question:
    if options.saved is not None:
        return read_saved(settings.paths.audiences, options.saved)
    limits = Limits(options.buyers, options.size, options.min_probability)
    if options.like is not None:
        return Question("customer", sorted(given_customers(options.like)), limits)
    if options.category is not None:
        return Question("category", [options.category], limits)
    if options.product is not None:
        return Question("product", options.product, limits)
    return Question("coupon", [options.coupon], limits)


def summary(found: Audience) -> list[str]:
    """Return an audience as lines for a person."""
    past = int(found.is_past.sum())
    lines = [f"{len(found.scores):,} of {found.reachable:,} customers who can be reached for {found.name}"]
    if found.total is not None:
        lines.append(f"{past:,} past buyers and {len(found.scores) - past:,} new ones")
        lines.append(
            f"{found.total.expected_buyers:.0f} are expected to buy within four weeks "
            f"({found.total.low:.0f} to {found.total.high:.0f})"
        )
        lines.append("   reach   customers   expected buyers")
        lines += [
            f"  {point.share:5.0%}   {point.customers:9,}   {point.expected_buyers:7.0f}"
            f"   ({point.low:.0f} to {point.high:.0f})"
            for point in found.curve
        ]
    lines += [f"Warning: {warning}" for warning in found.warnings]
    lines.append(f"First customers by {found.score_name}:")
    for customer, score, is_past in zip(
        found.customer_ids[:SHOWN].to_pylist(), found.scores[:SHOWN], found.is_past[:SHOWN], strict=True
    ):
        lines.append(f"  {customer:<12} {score:.3f}{'  bought before' if is_past else ''}")
    lines += ["Left out:"] if found.left_out else []
    lines += [f"  {part.customers:,} {part.reason}, such as {', '.join(part.examples)}" for part in found.left_out]
    return lines


def write_audience(found: Audience, path: Path) -> None:
    """Write an audience in one step: customer_id, the score, and whether each customer bought before."""
    table = pa.table(
        {"customer_id": found.customer_ids, found.score_name: found.scores, "bought_before": found.is_past}
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = staging_path(path)
    if path.suffix == ".csv":
        pyarrow.csv.write_csv(table, staged)
    else:
        pq.write_table(table, staged)
    staged.replace(path)
