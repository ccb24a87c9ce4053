"""A feature row and the purchases since, folded by the service, are the row that dbt makes later: on real customers."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from landing.admission import accept, admit
from live.records import Purchase
from scoring.customer import Customer
from scoring.live import live_customer
from scoring.schema import HISTORY, PROFILE
from settings import Settings
from tests.dbt_project.runs import dbt, rows

EARLIER = datetime(2017, 8, 6, 4)
SAME_DAY, TWO_WEEKS = EARLIER + timedelta(hours=20), EARLIER + timedelta(days=14)
MOVED_WINDOWS = {"baskets_2w", "baskets_4w", "baskets_8w", "baskets_13w"}
# What a row does not tell: which baskets leave the last twenty, and where new borders of four-week periods fall.
GUESSED = {"last_20_baskets", "periods_4w"}
UNTOLD = {"discount_share", "coupon_redemptions", "campaigns_received"}


@dataclass(frozen=True)
class Compared:
    """Shares of values that are right, by feature, over all customers (and products)."""

    history: dict[str, float]
    profile: dict[str, float]
    customers: int
    purchases: int


@pytest.fixture(scope="module")
def shop(small_landing: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("live")
    admit(Settings(data=data), small_landing, date(2017, 8, 20), lambda _: None)
    accept(Settings(data=data), None)
    for folder in ("warehouse", "features/staged"):
        (data / folder).mkdir(parents=True)
    wanted = ["+feat_customer_history", "+feat_customer_profile"]
    result = dbt(data, "run", "--select", *wanted, snapshots=[TWO_WEEKS, SAME_DAY, EARLIER])
    assert result.success, result.result
    return data


def customers(data: Path, snapshot: datetime) -> dict[str, Customer]:
    features: dict[str, dict[str, Any]] = defaultdict(dict)
    for view in ("customer_history", "customer_profile"):
        for row in rows(data, view, f"event_timestamp = TIMESTAMP '{snapshot}'"):
            features[row["customer_id"]] |= {f"{view}__{name}": value for name, value in row.items()}
    return {customer_id: Customer.from_features(row) for customer_id, row in features.items()}


def purchases_until(data: Path, until: datetime) -> dict[str, list[Purchase]]:
    """Receipts after the earlier snapshot as events; customers with two receipts on one day are left out, for events
    cannot tell two receipts of a day apart."""
    lines = duckdb.connect().execute(
        f"""SELECT customer_id, basket_id, product_id, transaction_at, quantity, sales_value
        FROM '{data}/admitted/transactions.parquet'
        WHERE transaction_at >= ? AND transaction_at < ? AND quantity >= 0 AND sales_value >= 0""",
        [EARLIER, until],
    )
    found: dict[str, list[Purchase]] = defaultdict(list)
    receipts: dict[tuple[str, int], set[str]] = defaultdict(set)
    now = datetime.now(UTC).replace(tzinfo=None)
    for number, (customer, basket, product, moment, quantity, value) in enumerate(lines.fetchall()):
        price = value / quantity if quantity else 0.0
        found[customer].append(Purchase(str(number), product, moment, now, quantity, price))
        receipts[customer, (moment - EARLIER).days].add(basket)
    twice = {customer for (customer, _), baskets in receipts.items() if len(baskets) > 1}
    return {customer: bought for customer, bought in found.items() if customer not in twice}


def compare(data: Path, later: datetime) -> Compared:
    before, after, bought = customers(data, EARLIER), customers(data, later), purchases_until(data, later)
    right: dict[str, list[np.ndarray]] = defaultdict(list)
    profile: dict[str, list[bool]] = defaultdict(list)
    for customer_id in bought:
        row = before.get(customer_id, Customer.empty())
        state, expected = live_customer(row, EARLIER, bought[customer_id], later), after[customer_id]
        assert set(state.product_ids) == set(expected.product_ids)
        place = {product_id: i for i, product_id in enumerate(state.product_ids)}
        order = [place[product_id] for product_id in expected.product_ids]
        for name in HISTORY:
            right[name].append(np.isclose(state.history[name][order], expected.history[name], rtol=2e-4, atol=2e-3))
        for name in PROFILE:
            profile[name].append(bool(np.isclose(state.profile[name], expected.profile[name], rtol=1e-5, atol=2e-3)))
    return Compared(
        {name: float(np.concatenate(values).mean()) for name, values in right.items()},
        {name: float(np.mean(values)) for name, values in profile.items()},
        len(bought),
        sum(len(lines) for lines in bought.values()),
    )


def test_on_the_same_day_every_feature_is_the_one_dbt_makes_later(shop: Path) -> None:
    found = compare(shop, SAME_DAY)
    assert (found.customers > 15, found.purchases > 100) == (True, True)
    assert {name: share for name, share in found.history.items() if share < 1.0 and name not in GUESSED} == {}
    assert {name: share for name, share in found.profile.items() if share < 1.0 and name not in UNTOLD} == {}
    assert min(found.history[name] for name in GUESSED) > 0.96


def test_two_weeks_later_all_that_a_row_and_purchases_tell_is_right(shop: Path) -> None:
    found = compare(shop, TWO_WEEKS)
    assert found.customers > 80
    inexact = MOVED_WINDOWS | GUESSED
    assert {name: share for name, share in found.history.items() if share < 1.0 and name not in inexact} == {}
    assert min(found.history[name] for name in inexact) > 0.94
    moved = {"baskets_4w", "baskets_13w", "spend_4w", "spend_13w", "new_product_share_8w"}
    assert {name: share for name, share in found.profile.items() if share < 1.0 and name not in UNTOLD | moved} == {}
    assert min(found.profile[name] for name in ("baskets_4w", "baskets_13w")) > 0.7
