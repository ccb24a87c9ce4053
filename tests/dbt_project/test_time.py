"""No feature leaks the future: recounted in Python, and rebuilt from the rows known on an earlier day."""

import math
from collections import defaultdict
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import fmean, pstdev

import pytest

from tests.dbt_project.conftest import Built
from tests.support.dbt_project.runs import dbt, messages, rows
from tests.support.dbt_project.shop import SNAPSHOTS, Shop

DAY = timedelta(days=1)


def baskets_with(shop: Shop, customer: str, until: datetime) -> dict[str, list[datetime]]:
    """When the customer's receipts with each product were complete, before an instant, without what was cancelled."""
    receipts: dict[tuple[str, str], datetime] = {}
    lines = sorted(shop.tables["transactions"], key=lambda line: (line[9], -line[4]))
    cancelled = set()
    for later, back in enumerate(lines):
        if back[4] < 0 and back[9] < until:
            candidates = [
                place
                for place, line in enumerate(lines[:later])
                if (line[0], line[2], line[4]) == (back[0], back[2], -back[4]) and place not in cancelled
            ]
            if candidates and back[9] - lines[candidates[-1]][9] <= 14 * DAY:
                cancelled.add(candidates[-1])
    for place, (who, basket, product, _, quantity, value, *_, moment) in enumerate(lines):
        if who == customer and quantity >= 0 and value >= 0 and place not in cancelled:
            receipts[basket, product] = max(moment, receipts.get((basket, product), moment))
    found = defaultdict(list)
    for (_, product), moment in receipts.items():
        if moment < until:
            found[product].append(moment)
    return {product: sorted(moments) for product, moments in found.items()}


@pytest.mark.parametrize("snapshot", SNAPSHOTS)
def test_a_history_equals_a_recount_of_the_receipts_before_its_snapshot(built: Built, snapshot: datetime):
    histories = rows(built.data, "customer_history", f"event_timestamp = TIMESTAMP '{snapshot}'")
    assert len(histories) == 8
    for history in histories:
        bought = baskets_with(built.shop, history["customer_id"], snapshot)
        decayed = {
            product: sum(math.exp(-((snapshot - moment) / DAY) / 120) for moment in moments)
            for product, moments in bought.items()
        }
        assert history["product_ids"] == sorted(bought, key=lambda product: (-decayed[product], product))
        for place, product in enumerate(history["product_ids"]):
            moments = bought[product]
            gaps = [(later - earlier) / DAY for earlier, later in pairwise(moments)]
            expected = {
                "baskets": len(moments),
                "days_since_last": (snapshot - moments[-1]) / DAY,
                "days_since_first": (snapshot - moments[0]) / DAY,
                "gap_mean_days": fmean(gaps) if gaps else 0,
                "gap_std_days": pstdev(gaps) if gaps else 0,
                "decayed_120d": decayed[product],
                "decayed_240d": sum(math.exp(-((snapshot - moment) / DAY) / 240) for moment in moments),
                "last_20_baskets": len(moments),  # no customer of the shop has more than fifteen baskets
                "periods_4w": len({int((snapshot - moment) / DAY // 28) for moment in moments}),
            }
            found = {name: history[name][place] for name in expected}
            assert found == pytest.approx(expected, rel=1e-5, abs=2e-3), (history["customer_id"], product)


@pytest.mark.parametrize("snapshot", SNAPSHOTS)
def test_labels_are_the_products_of_the_shops_last_28_days(built: Built, snapshot: datetime):
    # Midnight in New York was at 4:00 UTC until 5 November 2017 and is at 5:00 UTC since.
    day = (snapshot - timedelta(days=28)).date()
    start = datetime(day.year, day.month, day.day, 4 if day <= date(2017, 11, 5) else 5)
    labels = rows(built.data, "customer_purchases", f"event_timestamp = TIMESTAMP '{snapshot}'")
    expected = {}
    for number in range(8):
        bought = baskets_with(built.shop, f"c{number}", snapshot)
        if products := sorted(product for product, moments in bought.items() if moments[-1] >= start):
            expected[f"c{number}"] = products
    assert {label["customer_id"]: label["product_ids"] for label in labels} == expected


def test_features_of_a_past_day_are_the_same_when_the_future_does_not_exist_yet(built: Built, tmp_path: Path):
    known = SNAPSHOTS[1:]
    built.shop.known_before(known[0], known[0].date()).write(tmp_path)
    result = dbt(tmp_path, "run", snapshots=known)
    assert result.success, messages(result)
    for feature in (
        "customer_history",
        "customer_profile",
        "customer_purchases",
        "customer_categories",
        "customer_habits",
        "customer_outcomes",
        "product_activity",
    ):
        then = rows(tmp_path, feature)
        now = rows(built.data, feature, f"event_timestamp <= TIMESTAMP '{known[0]}'")
        assert then, feature
        assert then == now, feature
