"""Measure a simulated campaign on real purchases, with effects of known size: what a finished campaign's result shows.

Customers who bought in the eight weeks before the start are assigned by the keyed hash. Purchases of the treated ones
are multiplied after the start; nothing else is changed. The last line is one JSON object by planted effect.
"""

import argparse
import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from core.command import log_to_stdout
from core.duckdb_engine import quote_literal, read_parquet
from experiments.assignment import assign
from experiments.measurement.purchases import Purchases, admitted_purchases, landed_purchases, open_engine
from marketing.errors import MarketingError
from marketing.measurement.announcement import Announcement
from marketing.measurement.command import measure
from marketing.measurement.measure import CampaignResult
from marketing.measurement.report import lines
from settings import Settings, load_settings

KEY = b"a simulated campaign"
HOLDOUT = "holdout"
ACTIVE_WEEKS = 8


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the result of one campaign per planted effect."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.customers.measured_campaign", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--lifts", type=float, nargs="+", default=[0.1, 0.0], help="planted effects as shares of spend")
    parser.add_argument("--holdout", type=float, default=0.2, help="share of customers without treatment")
    parser.add_argument("--weeks", type=int, default=4, help="weeks, with a look after each")
    parser.add_argument("--landing", type=Path, help="Parquet tables of a landing; default: the accepted admission")
    options = parser.parse_args(arguments)
    log_to_stdout()
    settings = load_settings()
    try:
        purchases = admitted_purchases(settings)
    except MarketingError:
        purchases = landed_purchases(settings, options.landing or settings.paths.demo_landing)
    start = purchases.as_of - timedelta(weeks=options.weeks)
    figures = {}
    for lift in options.lifts:
        print(f"\nPlanted: {lift:+.0%} spend of the treated customers from {start} on")
        result = simulated(settings, purchases, start, options.weeks, options.holdout, lift)
        print("\n".join(lines(result)))
        verdict = result.verdicts["spend"]
        figures[f"{lift:g}"] = {"outcome": verdict.outcome.value, "sentence": verdict.sentence}
    print(json.dumps(figures))
    return 0


def simulated(
    settings: Settings, purchases: Purchases, start: date, weeks: int, holdout: float, lift: float
) -> CampaignResult:
    """Return the result of a campaign whose effect is known.

    Args:
        settings: The settings of the shop.
        purchases: The real purchases.
        start: Local day of the decision.
        weeks: Weeks to the last look.
        holdout: Share of the hold-out.
        lift: Planted effect as a share of spend.
    """
    at = settings.start_of_day(start)
    shares = {HOLDOUT: holdout, "message": 1 - holdout}
    with TemporaryDirectory(dir=settings.data, prefix=".simulated.") as folder:
        copy = settings.model_copy(update={"data": Path(folder)})
        copy.paths.admitted.mkdir()
        with open_engine(copy) as engine:
            query = f"""
                SELECT DISTINCT customer_id::VARCHAR FROM {read_parquet(purchases.file)}
                WHERE customer_id IS NOT NULL AND transaction_at::TIMESTAMP < $at
                  AND transaction_at::TIMESTAMP >= $at - INTERVAL {ACTIVE_WEEKS} WEEK ORDER BY 1
            """
            ids = [customer_id for (customer_id,) in engine.execute(query, {"at": at}).fetchall()]
            variants = assign(KEY, ids, shares)
            decisions = _decisions(ids, variants, shares, at)
            engine.register("decisions", decisions)
            file = copy.paths.admitted / "transactions.parquet"
            engine.execute(
                f"""
                COPY (
                    SELECT bought.* REPLACE (
                        CASE WHEN bought.transaction_at::TIMESTAMP >= {quote_literal(at)}::TIMESTAMP
                                  AND NOT decisions.is_holdout
                             THEN bought.sales_value * {1 + lift} ELSE bought.sales_value END AS sales_value)
                    FROM {read_parquet(purchases.file)} AS bought LEFT JOIN decisions USING (customer_id)
                ) TO {quote_literal(file)} (FORMAT parquet)
                """
            )
        (copy.paths.admitted / "manifest.json").write_text(json.dumps({"as_of": purchases.as_of.isoformat()}))
        looks = tuple(start + timedelta(weeks=week + 1) for week in range(weeks))
        return measure(copy, Announcement("simulated", "spend", looks), decisions)


def _decisions(ids: list[str], variants: np.ndarray, shares: dict[str, float], at: datetime) -> pa.Table:
    return pa.table(
        {
            "customer_id": ids,
            "variant": variants,
            "propensity": [shares[str(variant)] for variant in variants],
            "is_holdout": variants == HOLDOUT,
            "decided_at": np.full(len(ids), np.datetime64(at, "us")),
        }
    )


if __name__ == "__main__":
    raise SystemExit(main())
