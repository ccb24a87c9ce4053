"""The demo's consents and addresses are made for its customers, marked as made, and the same everywhere."""

from datetime import datetime

import duckdb
import pytest

from landing.complete_journey import demo_queries


@pytest.fixture(scope="module")
def made() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for table in ("consents", "contacts"):
        connection.execute(f"CREATE TABLE {table} AS {demo_queries()[table]}")
    connection.execute(f"CREATE TABLE customers AS SELECT DISTINCT customer_id FROM ({demo_queries()['transactions']})")
    return connection


def test_every_address_lies_below_a_domain_that_never_exists(made: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT count(*), count_if(address = 'customer-' || customer_id || '@demo.invalid') FROM contacts"
    rows, below = made.execute(query).fetchall()[0]
    assert rows == below > 2000


def test_every_consent_is_marked_as_made(made: duckdb.DuckDBPyConnection) -> None:
    found = made.execute("SELECT DISTINCT channel, purpose, source FROM consents").fetchall()
    assert found == [("email", "marketing", "made for the demo")]


def test_only_customers_get_rows_and_each_at_most_one_address(made: duckdb.DuckDBPyConnection) -> None:
    for table in ("consents", "contacts"):
        assert made.execute(f"SELECT count(*) FROM {table} ANTI JOIN customers USING (customer_id)").fetchall() == [
            (0,)
        ]
    assert made.execute("SELECT count(*) = count(DISTINCT customer_id) FROM contacts").fetchall() == [(True,)]


def test_some_have_no_address_some_no_consent_and_some_withdrew(made: duckdb.DuckDBPyConnection) -> None:
    customers, addresses, yeses, noes = made.execute(
        "SELECT (SELECT count(*) FROM customers), (SELECT count(*) FROM contacts), count_if(granted), "
        "count_if(NOT granted) FROM consents"
    ).fetchall()[0]
    assert addresses / customers == pytest.approx(0.92, abs=0.02)
    assert yeses / customers == pytest.approx(0.65, abs=0.02)
    assert (yeses - noes) / customers == pytest.approx(0.6, abs=0.02)


def test_a_withdrawal_follows_a_yes_and_all_answers_precede_the_datas_end(made: duckdb.DuckDBPyConnection) -> None:
    last_yes, first_no, last_no = made.execute(
        "SELECT max(since) FILTER (granted), min(since) FILTER (NOT granted), max(since) FROM consents"
    ).fetchall()[0]
    assert last_yes < datetime(2017, 1, 1) < first_no
    assert last_no < datetime(2018, 1, 1)
    alone = "SELECT count(*) FROM consents n WHERE NOT granted AND NOT EXISTS (FROM consents y WHERE y.granted AND "
    assert made.execute(f"{alone} y.customer_id = n.customer_id)").fetchall() == [(0,)]


def test_the_rows_are_the_same_on_every_machine(made: duckdb.DuckDBPyConnection) -> None:
    found = made.execute("SELECT customer_id, granted, since FROM consents WHERE customer_id = '1004'").fetchall()
    assert found == [
        ("1004", True, datetime(2016, 12, 9, 5, 13, 48)),
        ("1004", False, datetime(2017, 9, 10, 8, 5, 20)),
    ]
