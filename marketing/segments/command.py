"""The command `segment`: count the customers who match a filter, and write their ids."""

import argparse
import logging
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from core.files.atomic import staging_path, sync
from marketing.errors import MarketingError
from marketing.segments.selection import select
from settings import Settings

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "--filter", required=True, help="""such as: lapse_8w > 30%% and likes("BEEF") and segment.value = "high" """
    )
    parser.add_argument("--out", type=Path, help="a .csv or .parquet file for the customers' ids")


def run(settings: Settings, options: argparse.Namespace) -> dict[str, object]:
    """Print how many customers match, and write the file that `--out` names.

    Raises:
        MarketingError: nothing is published, the filter cannot be used, or the file has another ending.
    """
    out: Path | None = options.out
    if out is not None and out.suffix not in (".csv", ".parquet"):
        raise MarketingError(f"--out {out} ends neither with .csv nor with .parquet.")
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


def _write(table: pa.Table, out: Path) -> None:
    staged = staging_path(out)
    if out.suffix == ".csv":
        pyarrow.csv.write_csv(table, staged)
    else:
        pq.write_table(table, staged)
    sync(staged)
    staged.replace(out)
