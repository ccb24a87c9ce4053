"""Collected feedback and a landing's own are merged; a run uses the rows known before its day."""

from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from events.event_log import LogBatch
from landing.contract import EVENTS
from landing.errors import ContractError
from landing.feedback.collector import collect
from landing.feedback.merged_table import land_feedback
from landing.findings import Findings
from landing.reading.cutoff import Span, receipts_until
from settings import Settings
from tests.support.landing.shop import ANY_DAY, admit_shop, admitted, write_shop

pytestmark = pytest.mark.integration

HEADER = "event_id,customer_id,product_id,event_type,occurred_at,received_at\n"
MOMENT = datetime(2017, 1, 1, 20)


class Told:
    """A event_log that holds these events."""

    def __init__(self, *events: dict[str, Any]) -> None:
        self.events = events

    def read_from(self, position: str | None, limit: int) -> LogBatch:
        return LogBatch(self.events if position is None else (), (), "the end")

    def truncate_before(self, position: str) -> int:
        return 0


def told(event_id: str, occurred_at: datetime = MOMENT, received_at: datetime = MOMENT) -> dict[str, Any]:
    ids = {"event_id": event_id, "customer_id": "007", "product_id": "0030", "event_type": "purchase"}
    return {**ids, "occurred_at": occurred_at, "received_at": received_at, "quantity": 1.0, "price": 9.99}


def collect_into(tmp_path: Path, *events: dict[str, Any]) -> None:
    collect(tmp_path / "data" / "feedback", Told(*events))


def landed(tmp_path: Path, table: str = "events", columns: str = "event_id") -> list[tuple]:
    path = tmp_path / "data" / "feedback" / "landed" / f"{table}.parquet"
    return duckdb.execute(f"SELECT {columns} FROM '{path}' ORDER BY ALL").fetchall()


def test_a_landings_own_events_and_collected_ones_are_one_table(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in", events=HEADER + "own,8,0010,view,2017-01-01T10:00:00-05:00,\n")
    collect_into(tmp_path, told("collected"))
    admit_shop(tmp_path, landing, "2017-01-02")
    assert admitted(tmp_path, "events", "event_id, customer_id, occurred_at, received_at, quantity") == [
        ("collected", "007", MOMENT, MOMENT, 1.0),
        ("own", "8", datetime(2017, 1, 1, 15), None, None),
    ]
    assert landed(tmp_path) == [("collected",), ("own",)]


def test_a_run_knows_the_events_that_had_arrived_before_its_day(tmp_path: Path) -> None:
    # New York's 2 January begins at 05:00 UTC.
    midnight, before, after = datetime(2017, 1, 2, 5), datetime(2017, 1, 2, 4, 59, 59), datetime(2017, 1, 3)
    collect_into(
        tmp_path,
        told("in time", before, before),
        told("arrived late", before, midnight),
        told("by a clock that runs ahead", after, before),
    )
    own = HEADER + "known when done,8,0010,view,2017-01-02 04:59:59,\nnot yet done,8,0010,view,2017-01-02 05:00:00,\n"
    manifest, _, _ = admit_shop(tmp_path, write_shop(tmp_path / "in", events=own), "2017-01-02")
    assert admitted(tmp_path, "events", "event_id") == [("in time",), ("known when done",)]
    assert manifest.tables["events"].not_yet_known == 3
    # Facts are made from all of them.
    assert len(landed(tmp_path)) == 5


def test_an_admission_says_which_purchases_it_holds(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    day_over = datetime(2017, 1, 3, 5)
    never, _, _ = admit_shop(tmp_path, landing, "2017-01-04")
    assert never.receipts_until == day_over  # the newest receipt is of midnight
    assert never.events_from == day_over
    assert never.collected_at == datetime.min
    collect_into(tmp_path, told("collected long after"))
    after, _, _ = admit_shop(tmp_path, landing, "2017-01-04")
    assert after.collected_at == datetime(2017, 1, 4, 5)
    (tmp_path / "data" / "feedback" / "collected_at").write_text("2017-01-04T01:00:00\n")
    before, _, _ = admit_shop(tmp_path, landing, "2017-01-05")
    assert before.collected_at == datetime(2017, 1, 4, 1)


@pytest.mark.parametrize(
    ("newest", "now", "expected"),
    [
        # New York's 2 January begins at 05:00 UTC.
        ("2017-01-02 17:00", "2017-01-02 18:00", "2017-01-02 17:00:00.000001"),
        ("2017-01-02 17:00", "2017-03-01 00:00", "2017-01-02 17:00:00.000001"),
        # Midnight, the shop's or UTC's: receipts without times. The day is over, or reaches until now.
        ("2017-01-02 05:00", "2017-03-01 00:00", "2017-01-03 05:00"),
        ("2017-01-02 05:00", "2017-01-02 18:00", "2017-01-02 18:00"),
        ("2017-01-02 00:00", "2017-03-01 00:00", "2017-01-02 05:00"),
    ],
)
def test_purchases_are_on_receipts_until_the_newest_of_them(newest: str, now: str, expected: str) -> None:
    span = Span(datetime(2016, 1, 1), datetime.fromisoformat(newest))
    settings = Settings(timezone="America/New_York")
    assert receipts_until(span, settings, datetime.fromisoformat(now)) == datetime.fromisoformat(expected)


def test_a_limit_of_customers_holds_for_events(tmp_path: Path) -> None:
    collect_into(tmp_path, told("a"), {**told("b"), "customer_id": "8"}, {**told("c"), "customer_id": "newcomer"})
    admit_shop(tmp_path, write_shop(tmp_path / "in"), "2017-01-02", max_customers=1)
    assert len(admitted(tmp_path, "transactions", "DISTINCT customer_id")) == len(admitted(tmp_path, "events")) == 1


def test_without_feedback_the_tables_are_empty_and_nothing_is_said_of_them(tmp_path: Path) -> None:
    manifest, _, said = admit_shop(tmp_path, write_shop(tmp_path / "in"))
    assert manifest.rows["events"] == 0
    assert "events: none (optional)" in said
    assert landed(tmp_path, "events") == landed(tmp_path, "decisions", "request_id") == []


def test_new_feedback_is_admitted_and_old_is_not_written_again(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    collect_into(tmp_path, told("first"))
    admit_shop(tmp_path, landing, "2017-01-02")
    assert admit_shop(tmp_path, landing, "2017-01-02")[1]
    file = tmp_path / "data" / "feedback" / "landed" / "events.parquet"
    written = file.stat().st_mtime_ns
    land_feedback(tmp_path / "data" / "feedback", landing, ANY_DAY, Findings())
    assert file.stat().st_mtime_ns == written
    (landing / "events.csv").write_text(HEADER + "second,8,0010,view,2017-01-01 10:00:00,\n")
    assert not admit_shop(tmp_path, landing, "2017-01-02")[1]
    assert admitted(tmp_path, "events", "event_id") == [("first",), ("second",)]


def test_a_lost_file_is_made_again(tmp_path: Path) -> None:
    collect_into(tmp_path, told("first"))
    home = tmp_path / "data" / "feedback"
    land_feedback(home, None, ANY_DAY, Findings())
    (home / "landed" / "decisions.parquet").unlink()
    assert land_feedback(home, None, ANY_DAY, Findings())[EVENTS].rows == 1
    assert landed(tmp_path, "decisions", "request_id") == []


def test_own_decisions_are_read_as_the_contract_says(tmp_path: Path) -> None:
    landing = write_shop(
        tmp_path / "in",
        decisions="request_id,customer_id,slate,position,product_id,model_version,decided_at\nr,8,all,1,0010,mail,2017-01-01\n",
    )
    admit_shop(tmp_path, landing)
    assert landed(tmp_path, "decisions", "request_id, position, source, decided_at") == [
        ("r", 1.0, None, datetime(2017, 1, 1))
    ]


def test_own_events_that_do_not_fit_are_refused_and_the_last_ones_stay(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    collect_into(tmp_path, told("first"))
    admit_shop(tmp_path, landing)
    (landing / "events.csv").write_text(HEADER + "bad,8,0010,view,yesterday,\n")
    with pytest.raises(ContractError, match=r"events\.csv.*'occurred_at' holds 'yesterday'"):
        admit_shop(tmp_path, landing)
    assert landed(tmp_path) == [("first",)]
    (landing / "events.csv").unlink()
    assert land_feedback(tmp_path / "data" / "feedback", landing, ANY_DAY, Findings())[EVENTS].rows == 1


def test_feedback_is_written_in_the_contracts_types(tmp_path: Path) -> None:
    collect_into(tmp_path, told("first"))
    (batch,) = (tmp_path / "data" / "feedback" / "batches").iterdir()
    schema = pq.read_schema(batch / "events.parquet")
    assert schema.names == [column.name for column in EVENTS.columns]
    assert schema.field("received_at").type == pa.timestamp("us")


def test_collected_events_that_cannot_be_used_are_set_aside_and_counted(tmp_path: Path) -> None:
    """As an earlier version accepted them: one would stop every later run."""
    collect_into(
        tmp_path,
        told("good"),
        {**told("blank"), "customer_id": " "},
        {**told("word"), "product_id": "null"},
        {**told("long"), "customer_id": "x" * 65},
        {**told("dear"), "event_type": "purchase", "price": 1e9},
        {**told("odd"), "event_type": "wish"},
        {**told("old"), "occurred_at": datetime(1899, 12, 30)},
        {**told("padded"), "customer_id": " 8 "},
    )
    manifest, _, said = admit_shop(tmp_path, write_shop(tmp_path / "in"), "2017-01-03")

    assert landed(tmp_path, "events", "event_id, customer_id") == [("good", "007"), ("padded", "8")]
    (finding,) = [finding for finding in manifest.findings if finding.kind == "feedback_set_aside"]
    assert (finding.table, finding.count) == ("events", 6)
    assert any("6 rows cannot be used" in line and "1 times customer_id is missing" in line for line in said)
    home = tmp_path / "data" / "feedback"
    with duckdb.connect() as connection:
        query = f"SELECT event_id, reason FROM '{home / 'quarantine' / 'events.csv'}' ORDER BY 1"
        reasons = dict(connection.execute(query).fetchall())
    assert reasons["blank"] == "customer_id is missing"
    assert reasons["word"] == "product_id is missing"
    assert "64 characters" in reasons["long"]
    assert reasons["dear"] == "price is beyond 10,000,000"
    assert reasons["odd"].startswith("event_type is not one of purchase")
    assert reasons["old"] == "occurred_at is before 1990-01-01"


def test_ratings_and_searches_that_do_not_fit_are_set_aside_with_the_reason(tmp_path: Path) -> None:
    rated = {"event_type": "Rating", "rating": 2.0, "rating_min": 1.0, "rating_max": 5.0}
    searched = {"event_type": "search", "product_id": None, "query": "oat milk"}
    collect_into(
        tmp_path,
        {**told("rated"), **rated},
        {**told("outside"), **rated, "rating": 6.0},
        {**told("flat"), **rated, "rating_max": 1.0},
        {**told("scaleless"), **rated, "rating_min": None},
        {**told("searched"), **searched},
        {**told("empty"), **searched, "query": "  "},
        {**told("endless"), **searched, "query": "q" * 201},
        {**told("productless"), "event_type": "view", "product_id": None},
    )
    home = tmp_path / "data" / "feedback"
    assert land_feedback(home, None, ANY_DAY, Findings())[EVENTS].rows == 2
    with duckdb.connect() as connection:
        query = f"SELECT event_id, reason FROM '{home / 'quarantine' / 'events.csv'}'"
        reasons = dict(connection.execute(query).fetchall())
    assert reasons == {
        "outside": "a rating is not on its scale",
        "flat": "the scale of a rating has no width",
        "scaleless": "a rating has no value or no scale",
        "empty": "a search has no query",
        "endless": "a query is longer than 200 characters",
        "productless": "product_id is missing",
    }


def test_own_events_of_nobody_are_set_aside(tmp_path: Path) -> None:
    own = HEADER + "seen,8,0010,view,2017-01-01 10:00:00,\nanonymous,,0010,view,2017-01-01 10:00:00,\n"
    manifest, _, _ = admit_shop(tmp_path, write_shop(tmp_path / "in", events=own), "2017-01-02")
    assert landed(tmp_path) == [("seen",)]
    assert [f.count for f in manifest.findings if f.kind == "feedback_set_aside"] == [1]


def test_tables_of_an_earlier_version_are_made_again(tmp_path: Path) -> None:
    collect_into(tmp_path, told("first"))
    home = tmp_path / "data" / "feedback"
    land_feedback(home, None, ANY_DAY, Findings())
    written = (home / "landed" / "inputs.json").read_text()
    (home / "landed" / "inputs.json").write_text(written.replace('"rules": [', '"rules": [0, '))
    (home / "landed" / "events.parquet").write_bytes(b"")
    assert land_feedback(home, None, ANY_DAY, Findings())[EVENTS].rows == 1
