"""The command `segment`: count the customers who match a filter, and write their ids."""

import argparse
import logging
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from core.files.atomic import staging_path, sync
from marketing.errors import MarketingError
from marketing.segments.comparison import compare
from marketing.segments.selection import select
from settings import Settings

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "--filter", required=True, help="""such as: lapse_8w > 30%% and likes("BEEF") and segment.value = "high" """
    )
    parser.add_argument(
        "--compare", metavar="FILTER", help="a second filter: sizes, overlap and mean predictions of both"
    )
    parser.add_argument("--out", type=Path, help="a .csv or .parquet file for the customers' ids")


def run(settings: Settings, options: argparse.Namespace) -> dict[str, object]:
    """Print how many customers match, and write the file that `--out` names; with `--compare`, compare two filters.

    Raises:
        MarketingError: nothing is published, the filter cannot be used, or the file has another ending.
    """
    out: Path | None = options.out
    if out is not None and out.suffix not in (".csv", ".parquet"):
        raise MarketingError(f"--out {out} ends neither with .csv nor with .parquet.")
    if options.compare is not None and out is not None:
        raise MarketingError("--out writes the customers of one filter. Leave --compare or --out out.")
    if options.compare is not None:
        return _compared(settings.paths.customers, options.filter, options.compare)
    selection = select(settings.paths.customers, options.filter)
    logger.info(selection.sentence())
    if out is not None:
        _write(pa.table({"customer_id": selection.customer_ids}), out)
    return {
        "customers": len(selection.customer_ids),
        "of": selection.total,
        "share": round(selection.share, 4),
        "example": selection.customer_ids[0].as_py() if len(selection.customer_ids) else None,
        "out": str(out) if out is not None else None,
    }


def _compared(folder: Path, first: str, second: str) -> dict[str, object]:
    found = compare(folder, first, second)
    logger.info(
        "%d customers match the first filter, %d the second, %d both (%.1f%% of either).",
        found.first, found.second, found.both, 100 * found.overlap,
    )  # fmt: skip
    logger.info("%-16s %12s %12s %12s", "mean of", "first", "second", "everybody")
    for mean in found.means:
        figures = (mean.first, mean.second, mean.everybody)
        logger.info("%-16s %12s %12s %12s", mean.name, *("–" if one is None else f"{one:.3f}" for one in figures))
    return {**asdict(found), "overlap": round(found.overlap, 4)}


def _write(table: pa.Table, out: Path) -> None:
    staged = staging_path(out)
    if out.suffix == ".csv":
        pyarrow.csv.write_csv(table, staged)
    else:
        pq.write_table(table, staged)
    sync(staged)
    staged.replace(out)
