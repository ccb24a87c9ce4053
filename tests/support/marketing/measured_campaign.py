"""A shop of 1,200 customers with a campaign: its decisions, and purchases before and after it."""

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from experiments.assignment import assign

CUSTOMERS = 1200
START = date(2017, 10, 2)
DECIDED_AT = np.datetime64("2017-10-02T13:00:00", "us")
AS_OF = date(2017, 11, 6)
LOOKS = (date(2017, 10, 16), date(2017, 10, 30))
WEEKS_BEFORE, WEEKS_AFTER = 16, 5


def decisions_of(variants: np.ndarray, shares: dict[str, float]) -> pa.Table:
    """Return one decision a customer."""
    return pa.table(
        {
            "customer_id": [f"c{number:04}" for number in range(len(variants))],
            "variant": variants,
            "propensity": [shares[name] for name in variants],
            "is_holdout": variants == "holdout",
            "decided_at": np.full(len(variants), DECIDED_AT),
        }
    )


def drawn(shares: dict[str, float], seed: int = 0) -> np.ndarray:
    """Return the variant of every customer."""
    key = f"campaign key {seed}".encode()
    return assign(key, [f"c{number:04}" for number in range(CUSTOMERS)], shares)


def write_admission(
    data: Path, variants: np.ndarray, lift: float, seed: int = 5, weeks_after: int = WEEKS_AFTER
) -> None:
    """Write admitted transactions in which customers outside the hold-out spend `lift` more after the decision."""
    rng = np.random.default_rng(seed)
    weeks = np.arange(-WEEKS_BEFORE, weeks_after)
    level = rng.gamma(2.0, 20.0, (CUSTOMERS, 1))
    spend = level * rng.gamma(4.0, 0.25, (CUSTOMERS, len(weeks)))
    spend *= rng.random(spend.shape) < 0.7
    spend[:, WEEKS_BEFORE:] *= 1 + lift * (variants != "holdout")[:, None]
    customer, week = np.nonzero(spend)
    at = DECIDED_AT + np.timedelta64(7, "D") * weeks[week] + np.timedelta64(30, "h")
    folder = data / "admitted"
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        pa.table(
            {
                "customer_id": [f"c{number:04}" for number in customer],
                "basket_id": [f"b{number}" for number in range(len(customer))],
                "sales_value": spend[customer, week],
                "transaction_at": at,
            }
        ),
        folder / "transactions.parquet",
    )
    write_manifest(data, START + timedelta(weeks=weeks_after))


def write_manifest(data: Path, as_of: date = AS_OF) -> None:
    """Write an admission's day."""
    (data / "admitted").mkdir(parents=True, exist_ok=True)
    (data / "admitted" / "manifest.json").write_text(json.dumps({"as_of": as_of.isoformat()}))
