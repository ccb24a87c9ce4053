"""Clicks describe the arm that got messages; they are not an effect."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from marketing.__main__ import main
from marketing.measurement.clicks import NO_EVENT, NOT_QUOTED
from outbox.planning import enqueue
from outbox.store import Store, open_store, store_url
from outbox.tables import messages
from settings import Settings
from tests.support.marketing.measured_campaign import AS_OF, DECIDED_AT, write_manifest
from tests.support.outbox.plans import a_plan, held_out, planned

AT = DECIDED_AT.item()
SHARES = {"variant": "message", "propensity": 0.6}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An outbox with four messages and a hold-out of one customer, and an admission without purchases."""
    monkeypatch.setenv("REACH_DATA", str(tmp_path))
    settings = Settings()
    write_manifest(tmp_path)
    names = ("customer_id", "basket_id", "sales_value", "transaction_at")
    kinds = (pa.string(), pa.string(), pa.float64(), pa.timestamp("us"))
    empty = pa.table({name: pa.array([], kind) for name, kind in zip(names, kinds, strict=True)})
    pq.write_table(empty, settings.paths.admitted / "transactions.parquet")
    return settings


@pytest.fixture
def store(settings: Settings):
    store = open_store(store_url(settings))
    everybody = [planned(name, **SHARES) for name in "abcd"] + [held_out("e", variant="holdout", propensity=0.4)]
    enqueue(store, a_plan(everybody, campaign_id="spring", planned_at=AT, as_of=AT))
    yield store
    store.close()


def ids(store: Store) -> dict[str, str]:
    with store.read() as connection:
        return dict(connection.execute(select(messages.c.customer_id, messages.c.message_id)).tuples().all())


def collect(settings: Settings, rows: list[tuple[str, str, str, str | None, datetime, datetime | None]]) -> None:
    """Write collected events: id, customer, type, request, when it happened, when it came."""
    columns = ("event_id", "customer_id", "event_type", "request_id", "occurred_at", "received_at")
    file = settings.paths.feedback / "landed" / "events.parquet"
    file.parent.mkdir(parents=True)
    times = [pa.timestamp("us") if name.endswith("_at") else pa.string() for name in columns]
    arrays = [pa.array(list(values), kind) for values, kind in zip(zip(*rows, strict=True), times, strict=True)]
    pq.write_table(pa.table(arrays, names=list(columns)), file)


def measured(capsys: pytest.CaptureFixture[str]) -> dict:
    assert main(["measure", "spring"]) == 0
    printed = capsys.readouterr().out.splitlines()
    result = json.loads(printed[-1])["spring"]
    assert f"  {result['clicks']['sentence']}" in printed
    return result["clicks"]


def test_customers_who_clicked_are_a_share_of_everybody_assigned_to_a_message(
    settings: Settings, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    message, later = ids(store), AT + timedelta(days=1)
    too_late = settings.start_of_day(AS_OF)
    collect(
        settings,
        [
            ("1", "a", "click", message["a"], later, None),
            ("1", "a", "click", message["a"], later, None),  # the same event again
            ("2", "a", " Click ", message["a"], later, later),
            ("3", "b", "view", message["b"], later, later),
            ("4", "b", "click", None, later, later),
            ("5", "c", "click", message["c"], later, too_late),  # came too late to be known
            ("6", "z", "click", message["d"], later, later),  # a forwarded link
        ],
    )
    found = measured(capsys)
    counts = {name: found[name] for name in ("treated", "clicked", "clicks", "by_others", "share")}
    assert counts == {"treated": 4, "clicked": 1, "clicks": 2, "by_others": 1, "share": 0.25}
    assert "1 of 4 customers who were to get a message (25.0%) clicked" in found["sentence"]
    assert "It is not an effect" in found["sentence"]


def test_clicks_that_are_not_known_have_no_number(
    settings: Settings, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert measured(capsys) == {"sentence": NO_EVENT}
    collect(settings, [("1", "a", "click", "an answer", AT, AT)])
    assert measured(capsys) == {"sentence": NOT_QUOTED}
    (settings.paths.feedback / "landed" / "events.parquet").write_bytes(b"torn")
    assert "cannot be read" in measured(capsys)["sentence"]
