"""Each trigger finds its customers, and names an occurrence that stays the same until something new happens."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from marketing.audience.index import BUYER_COLUMNS, AudienceIndex
from marketing.campaigns.targets.rows import TARGETS
from marketing.campaigns.triggers.definitions import CategoriesDue, FirstPurchase, LapseRising
from marketing.campaigns.triggers.due import categories_due
from marketing.campaigns.triggers.first_purchase import first_purchase
from marketing.campaigns.triggers.lapse import lapse_rising

NEW_YORK = ZoneInfo("America/New_York")


def risks(**values: float | None) -> pa.Table:
    return pa.table({"customer_id": list(values), "lapse_8w": pa.array(list(values.values()), pa.float64())})


def test_lapse_rising_is_a_crossing_between_two_publications() -> None:
    trigger = LapseRising(type="lapse_rising", threshold=0.5)
    before = risks(a=0.4, b=0.6, c=0.4, d=None, f=0.1, g=0.5)
    now = risks(a=0.5, b=0.7, c=0.49, d=0.9, e=0.9, f=None, g=0.6)
    found = lapse_rising(trigger, before, now, date(2018, 1, 1))
    assert found.schema == TARGETS
    assert found.to_pylist() == [
        {
            "customer_id": "a",
            "trigger": "lapse_rising",
            "occurrence": "2018-01-01",
            "probability": 0.5,
            "category": None,
            "product_ids": [],
        }
    ]


def index(days: dict[str, dict[str, float]]) -> AudienceIndex:
    """An index of categories with the days since each customer's last purchase; customers by id."""
    customers = sorted({customer for buyers in days.values() for customer in buyers})
    numbers: list[int] = []
    since: list[float] = []
    first: list[int] = []
    rows: list[int] = []
    for buyers in days.values():
        first.append(len(numbers))
        rows.append(len(buyers))
        numbers += [customers.index(customer) for customer in sorted(buyers)]
        since += [buyers[customer] for customer in sorted(buyers)]
    items = pa.table({
        "kind": ["category"] * len(days), "item_id": list(days), "parent": [-1] * len(days),
        "first_row": first, "rows": rows, "mailer_stores_next": [0.0] * len(days),
    })  # fmt: skip
    bought = {name: pa.array([1.0] * len(numbers), pa.float32()) for name in BUYER_COLUMNS[:-1]}
    table = pa.table(
        {"customer": pa.array(numbers, pa.int32()), **bought, "days_since_last": pa.array(since, pa.float32())}
    )
    return AudienceIndex(
        pa.array(customers), np.zeros((len(customers), 1)), np.zeros((len(customers), 1)), items, table
    )


def due(**lists: dict[str, float]) -> pa.Table:
    numbers = pa.list_(pa.float64())
    return pa.table(
        {
            "customer_id": list(lists),
            "categories_due": pa.array([list(found) for found in lists.values()], pa.list_(pa.string())),
            "categories_due_probability": pa.array([list(found.values()) for found in lists.values()], numbers),
        }
    )


def occurrences(
    predictions: pa.Table, days: dict[str, dict[str, float]], as_of: datetime, **options: object
) -> dict[str, str]:
    trigger = CategoriesDue.model_validate({"type": "categories_due", "min_probability": 0.0} | options)
    found = categories_due(trigger, predictions, index(days), as_of, NEW_YORK, lambda name: name == "BEER")
    return dict(zip(found["customer_id"].to_pylist(), found["occurrence"].to_pylist(), strict=True))


def test_the_most_probable_category_that_is_not_restricted_is_due() -> None:
    predictions = due(a={"BEER": 0.9, "MILK": 0.8, "TEA": 0.7}, b={"BEER": 0.9}, c={}, d={"TEA": 0.55})
    days = {"BEER": {"a": 3, "b": 3}, "MILK": {"a": 9.5}, "TEA": {"a": 20, "d": 30.25}}
    as_of = datetime(2018, 1, 1, 5)  # midnight in New York
    assert occurrences(predictions, days, as_of) == {"a": "MILK:2017-12-22", "d": "TEA:2017-12-01"}
    assert occurrences(predictions, days, as_of, categories=["TEA"]) == {"a": "TEA:2017-12-12", "d": "TEA:2017-12-01"}
    assert occurrences(predictions, days, as_of, min_probability=0.6) == {"a": "MILK:2017-12-22"}


def test_a_category_that_stays_due_is_one_occurrence_across_summer_time() -> None:
    """A purchase dated at local midnight: the clock change must not move its day."""
    predictions, bought = due(a={"MILK": 0.8}), datetime(2018, 3, 5, 5)
    found = set()
    for as_of in (datetime(2018, 3, 11, 5), datetime(2018, 3, 12, 4), datetime(2018, 3, 19, 4)):
        days = (as_of - bought).total_seconds() / 86400
        found.add(occurrences(predictions, {"MILK": {"a": days}}, as_of)["a"])
    assert found == {"MILK:2018-03-05"}


def test_the_day_of_the_last_purchase_is_the_shops() -> None:
    """20:00 on the 5th of March in New York is the 6th in UTC."""
    as_of = datetime(2018, 3, 12, 4)
    days = (as_of - datetime(2018, 3, 6, 1)).total_seconds() / 86400
    assert occurrences(due(a={"MILK": 0.8}), {"MILK": {"a": days}}, as_of) == {"a": "MILK:2018-03-05"}


def test_a_first_purchase_is_welcomed_once_and_only_while_it_is_recent() -> None:
    profiles = pa.table({"customer_id": ["b", "a", "c", "d"], "days_since_first_basket": [2.0, 14.0, 14.1, None]})
    found = first_purchase(FirstPurchase(type="first_purchase", within_days=14), profiles)
    assert found["customer_id"].to_pylist() == ["a", "b"]
    assert set(found["occurrence"].to_pylist()) == {"first"}
