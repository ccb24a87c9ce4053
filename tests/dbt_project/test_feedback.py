"""Outcomes of recommendations: facts joined by request_id, and purchases that await their receipts."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from tests.dbt_project.conftest import Built
from tests.support.dbt_project.runs import dbt, messages, rows
from tests.support.dbt_project.shop import SNAPSHOTS, UNRATED, Shop, corner_shop

FACTS = ("build", "--select", "+fct_events", "+fct_decisions", "+fct_exposures", "--indirect-selection", "cautious")


def facts(data: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(data / "warehouse" / "reach.duckdb"), read_only=True) as warehouse:
        return warehouse.execute(query).fetchall()


def test_a_decision_stands_beside_what_came_of_it(built: Built):
    moment = datetime(2017, 12, 1, 15)
    assert facts(
        built.data, "SELECT position, product_id, impressed_at, clicked_at, purchased_at FROM fct_decisions ORDER BY 1"
    ) == [(1, "p1", moment, None, moment + timedelta(minutes=9)), (2, "p2", None, None, None)]
    # p3 was not in the answer that its click quotes.
    assert facts(built.data, "SELECT event_id, is_outcome FROM fct_events ORDER BY 1") == [
        *[("e1", True), ("e2", True), ("e3", False), ("e4", False)],
    ]


def test_the_facts_are_built_without_any_other_table(tmp_path: Path):
    corner_shop().write(tmp_path)
    for table in (tmp_path / "admitted").iterdir():
        table.unlink()
    for _ in range(2):
        result = dbt(tmp_path, *FACTS, snapshots=[])
        assert result.success, messages(result)
        assert facts(tmp_path, "SELECT count(*) FROM fct_events") == [(4,)]
        assert facts(tmp_path, "SELECT count(*) FROM fct_decisions") == [(2,)]


def test_without_feedback_the_facts_are_empty_and_typed(tmp_path: Path):
    Shop().write(tmp_path)
    result = dbt(tmp_path, *FACTS, snapshots=[])
    assert result.success, messages(result)
    assert facts(tmp_path, "FROM fct_events") == facts(tmp_path, "FROM fct_decisions") == []
    assert facts(tmp_path, "FROM fct_exposures") == []
    types = dict(row[:2] for row in facts(tmp_path, "DESCRIBE fct_decisions"))
    assert (types["position"], types["purchased_at"]) == ("INTEGER", "TIMESTAMP")


def test_a_purchase_heard_of_as_an_event_is_in_the_features_until_its_receipt_is(built: Built, tmp_path: Path):
    """A whole day's receipts are late and their lines came as events: the customers' labels are the same."""
    receipts = built.shop.tables["transactions"]
    midnight = SNAPSHOTS[0]
    while not any(line[9] >= midnight for line in receipts):
        midnight -= timedelta(days=1)
    late = [line for line in receipts if line[9] >= midnight]
    assert len(late) > 1
    assert all(line[4] >= 0 for line in late)
    events = [
        (f"late{n}", *line[0:3:2], "purchase", line[9], line[9], None, *line[4:6], *UNRATED)
        for n, line in enumerate(late)
    ]
    expected = rows(built.data, "customer_purchases")

    for landed in ([line for line in receipts if line not in late], receipts):
        # The second time the receipts have arrived, and the events repeat them.
        shop = Shop({**built.shop.tables, "transactions": landed, "events": events})
        shop.write(tmp_path)
        result = dbt(tmp_path, "run", "--select", "+feat_customer_purchases", "fct_purchases")
        assert result.success, messages(result)
        assert rows(tmp_path, "customer_purchases") == expected
        assert facts(tmp_path, "SELECT count(*) FROM fct_purchases") == facts(
            built.data, "SELECT count(*) FROM fct_purchases"
        )
