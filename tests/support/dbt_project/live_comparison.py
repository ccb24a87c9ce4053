"""Compares the live state of real customers with the row that dbt makes of the same purchases later.

As a command: `python -m tests.support.dbt_project.live_comparison DATA EARLIER LATER` prints the shares as JSON. A copy
of the project, with a feature more, compares itself so.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from events.records import Purchase
from features.declarations import CUSTOMER_HISTORY, CUSTOMER_PROFILE
from features.feature import Exactness, Updater
from scoring.customer.customer import Customer
from scoring.customer.realtime import apply_purchases


@dataclass(frozen=True)
class Compared:
    """Compare live values with those that dbt makes later, by feature, over all customers (and products).

    right: shares of values that are dbt's, of features that a purchase changes. error: their mean absolute error over
    that of the row before. kept: shares of unchanged values, of features that a purchase does not change.
    """

    right: dict[str, float]
    error: dict[str, float]
    kept: dict[str, float]
    customers: int
    purchases: int


def names_of(*exactness: Exactness) -> set[str]:
    """The declared features that a purchase changes so exactly, each as `table.feature`."""
    return {
        f"{table.name}.{feature.name}"
        for table in (CUSTOMER_HISTORY, CUSTOMER_PROFILE)
        for feature in table.features
        if isinstance(feature.on_purchase, Updater) and feature.on_purchase.exactness in exactness
    }


def compare(data: Path, earlier: datetime, later: datetime) -> Compared:
    """data: a data directory whose staged feature tables hold both snapshots."""
    before, after, bought = _customers(data, earlier), _customers(data, later), _purchases(data, earlier, later)
    found: dict[str, list[np.ndarray]] = defaultdict(list)
    kept: dict[str, list[bool]] = defaultdict(list)
    for customer_id, lines in bought.items():
        row = before.get(customer_id, Customer.empty())
        live = apply_purchases(row, earlier, lines, later)
        for name, values in _aligned(row, live, after[customer_id]):
            found[name].append(values)
        for name, was, now in _not_changed(row, live):
            kept[name].append(was == now)
    joined = {name: np.concatenate(parts, axis=1) for name, parts in found.items()}
    right = {name: np.isclose(live, later, rtol=2e-4, atol=2e-3) for name, (_, live, later) in joined.items()}
    off = {name: (np.abs(row - later).sum(), np.abs(live - later).sum()) for name, (row, live, later) in joined.items()}
    return Compared(
        {name: float(same.mean()) for name, same in right.items()},
        {name: float(live / row) for name, (row, live) in off.items()},
        {name: float(np.mean(same)) for name, same in kept.items()},
        len(bought),
        sum(len(lines) for lines in bought.values()),
    )


def _aligned(row: Customer, live: Customer, later: Customer) -> Iterator[tuple[str, np.ndarray]]:
    """Name and values `[row, live, later]` of every feature that a purchase changes."""
    three, ids = (row, live, later), list(later.product_ids)
    assert set(live.product_ids) == set(ids)
    yield "customer_history.product_ids", np.array([np.isin(ids, list(one.product_ids)) for one in three], float)
    for name in names_of(*Exactness) - {"customer_history.product_ids"}:
        table, feature = name.split(".")
        if table == CUSTOMER_HISTORY.name:
            yield name, np.array([_of(one, feature, ids) for one in three])
        else:
            yield name, np.array([[one.profile[feature]] for one in three])


def _of(customer: Customer, name: str, product_ids: Sequence[str]) -> list[float]:
    """A number of these products, 0 for those never bought."""
    known = dict(zip(customer.product_ids, customer.history[name].tolist(), strict=True))
    return [known.get(product_id, 0.0) for product_id in product_ids]


def _not_changed(row: Customer, live: Customer) -> Iterator[tuple[str, float | str, float | str]]:
    for feature in CUSTOMER_PROFILE.features:
        if isinstance(feature.on_purchase, Updater):
            continue
        if feature.name in row.profile:
            yield feature.name, row.profile[feature.name], live.profile[feature.name]
        else:
            yield feature.name, row.traits[feature.name], live.traits[feature.name]


def _customers(data: Path, snapshot: datetime) -> dict[str, Customer]:
    features: dict[str, dict[str, Any]] = defaultdict(dict)
    for table in (CUSTOMER_HISTORY, CUSTOMER_PROFILE):
        path = data / "features" / "staged" / f"feat_{table.name}.parquet"
        cursor = duckdb.connect().execute(f"SELECT * FROM '{path}' WHERE event_timestamp = ?", [snapshot])
        names = [column[0] for column in cursor.description or []]
        for values in cursor.fetchall():
            row = dict(zip(names, values, strict=True))
            features[row["customer_id"]] |= {f"{table.name}__{name}": value for name, value in row.items()}
    return {customer_id: Customer.from_features(row) for customer_id, row in features.items()}


def _purchases(data: Path, since: datetime, until: datetime) -> dict[str, list[Purchase]]:
    """Receipts between two instants as events, of customers who are known at the later one. Customers with two receipts
    on one day are left out, because events cannot separate two receipts of a day.
    """
    lines = duckdb.connect().execute(
        f"""SELECT customer_id, basket_id, product_id, transaction_at, quantity, sales_value
        FROM '{data}/admitted/transactions.parquet'
        WHERE transaction_at >= ? AND transaction_at < ? AND quantity >= 0 AND sales_value >= 0""",
        [since, until],
    )
    found: dict[str, list[Purchase]] = defaultdict(list)
    receipts: dict[tuple[str, int], set[str]] = defaultdict(set)
    now = datetime.now(UTC).replace(tzinfo=None)
    for number, (customer, basket, product, moment, quantity, value) in enumerate(lines.fetchall()):
        price = value / quantity if quantity else 0.0
        found[customer].append(Purchase(str(number), product, moment, now, quantity, price))
        receipts[customer, (moment - since).days].add(basket)
    twice = {customer for (customer, _), baskets in receipts.items() if len(baskets) > 1}
    return {customer: bought for customer, bought in found.items() if customer not in twice}


if __name__ == "__main__":
    folder, *instants = sys.argv[1:]
    print(json.dumps(asdict(compare(Path(folder), *map(datetime.fromisoformat, instants)))))
