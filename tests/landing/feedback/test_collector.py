"""The collector stores each entry of the event log once and in order, however often and wherever it is killed."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import redis
from confluent_kafka import Producer

from events.event_log import EventLog
from events.factory import open_event_log
from events.records import Decision, Event, Exposure, ShownItem
from landing.__main__ import main
from landing.contract import DECISIONS, EVENTS, EXPOSURES, Table
from landing.errors import SourceError
from landing.feedback import collector as batches
from landing.feedback.collector import batch_files, collect
from settings import ROOT, Settings
from tests.support.landing.killed import die_before
from tests.support.servers.kafka_cluster import kafka_cluster
from tests.support.servers.redis_server import PASSWORD, redis_server

MOMENT = datetime(2026, 3, 1, 10)


def event(number: int, **fields: object) -> Event:
    facts = {"customer_id": "c1", "product_id": "p1", "event_type": "click", "occurred_at": MOMENT.isoformat() + "Z"}
    return Event.model_validate({**facts, "event_id": f"e{number}", **fields})


def decision(number: int) -> Decision:
    items = [ShownItem("p1", "repeat_purchases", 2.5), ShownItem("p2", "popular", 1.5)]
    return Decision(f"r{number}", "c1", "all", "v1", None, items, MOMENT + timedelta(seconds=number))


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Of an installation whose event log is in SQLite, unless the test is tried on others too."""
    kind, data = getattr(request, "param", "sqlite"), tmp_path / "data"
    if kind == "redis":
        with redis_server(tmp_path) as (address, _):
            yield Settings(data=data, online_store="redis", redis=address, redis_password=PASSWORD)
    elif kind == "kafka":
        with kafka_cluster() as servers:
            yield Settings(data=data, kafka_bootstrap_servers=servers)
    else:
        yield Settings(data=data)


ON_EVERY_EVENT_LOG = pytest.mark.parametrize(
    "settings", ["sqlite", pytest.param("redis", marks=pytest.mark.redis), "kafka"], indirect=True
)


def environment(settings: Settings) -> dict[str, str]:
    """Of a process that finds the same event log."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("REACH_")}
    password = settings.redis_password.get_secret_value() if settings.redis_password else ""
    return plain | {
        "REACH_DATA": str(settings.data),
        "REACH_ONLINE_STORE": settings.online_store,
        "REACH_REDIS": settings.redis,
        "REACH_REDIS_PASSWORD": password,
        "REACH_KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers or "",
    }


@pytest.fixture
def event_log(settings: Settings) -> Iterator[EventLog]:
    opened = open_event_log(settings)
    yield opened
    opened.close()


@pytest.fixture
def run(settings: Settings, event_log: EventLog) -> Callable[..., batches.Collected]:
    """Collect from the event_log, as a new process would."""
    return lambda **options: collect(settings.paths.feedback, event_log, **options)


def rows(settings: Settings, table: Table) -> list[dict]:
    return [row for file in batch_files(settings.paths.feedback, table) for row in pq.read_table(file).to_pylist()]


def ids(settings: Settings) -> list[str]:
    return [row["event_id"] for row in rows(settings, EVENTS)]


@ON_EVERY_EVENT_LOG
def test_events_and_decisions_arrive_with_all_that_was_said(
    settings: Settings, event_log: EventLog, run: Callable
) -> None:
    event_log.append([event(1, event_type="purchase", request_id="r1", quantity=2, price=1.5)]).result()
    event_log.append_decisions([decision(1)])
    assert vars(run()) == {"batches": 1, "events": 1, "decisions": 2, "set_aside": 0}
    (row,) = rows(settings, EVENTS)
    assert row.pop("received_at") > MOMENT
    assert row == {
        "event_id": "e1",
        "customer_id": "c1",
        "product_id": "p1",
        "event_type": "purchase",
        "occurred_at": MOMENT,
        "request_id": "r1",
        "quantity": 2.0,
        "price": 1.5,
        **dict.fromkeys(("rating", "rating_min", "rating_max", "query")),
    }
    first, second = rows(settings, DECISIONS)
    assert (first["position"], first["product_id"], first["source"], first["score"]) == (
        1,
        "p1",
        "repeat_purchases",
        2.5,
    )
    assert (second["position"], second["product_id"], second["fallback"]) == (2, "p2", None)
    assert second["decided_at"] == MOMENT + timedelta(seconds=1)


@ON_EVERY_EVENT_LOG
def test_a_second_run_takes_only_what_is_new_and_keeps_the_order(
    settings: Settings, event_log: EventLog, run: Callable
) -> None:
    # A late event keeps its place in the order of arrival.
    event_log.append([event(2), event(1, occurred_at="2026-02-01T10:00:00Z")]).result()
    assert run().events == 2
    assert vars(run()) == {"batches": 0, "events": 0, "decisions": 0, "set_aside": 0}
    assert event_log.append([event(3), event(2)]).result() == [True, False]
    run()
    # Kafka is written to before it is known what is new, so it has e2 twice; the facts count it once.
    assert ids(settings) == ["e2", "e1", "e3", *(["e2"] if settings.kafka_bootstrap_servers else [])]


@ON_EVERY_EVENT_LOG
def test_exposures_arrive_apart_from_products_also_of_an_answer_without_any(
    settings: Settings, event_log: EventLog, run: Callable
) -> None:
    exposures = [Exposure("e", "none", 0.5, is_holdout=True), Exposure("f", "new", 0.1, served="champion")]
    event_log.append_decisions(
        [replace(decision(1), exposures=exposures[1:]), replace(decision(2), items=[], exposures=exposures[:1])]
    )
    assert run().decisions == 2
    assert len(rows(settings, DECISIONS)) == 2
    first, second = rows(settings, EXPOSURES)
    assert (first["request_id"], first["experiment_id"], first["served"], first["shown"]) == ("r1", "f", "champion", 2)
    assert (second["request_id"], second["experiment_id"], second["variant"]) == ("r2", "e", "none")
    assert (second["propensity"], second["is_holdout"], second["shown"]) == (0.5, True, 0)


def test_batches_of_a_version_without_exposures_are_read_on(
    settings: Settings, event_log: EventLog, run: Callable
) -> None:
    event_log.append_decisions([decision(1)])
    run()
    [folder] = (settings.paths.feedback / "batches").iterdir()
    (folder / "exposures.parquet").unlink()
    facts = json.loads((folder / "batch.json").read_text())
    (folder / "batch.json").write_text(json.dumps({name: facts[name] for name in ("until", "events", "decisions")}))
    event_log.append_decisions([replace(decision(2), exposures=[Exposure("e", "a", 0.5)])])
    run()
    assert [row["request_id"] for row in rows(settings, EXPOSURES)] == ["r2"]
    # A table that the record names and the folder lacks is an error instead.
    (folder / "decisions.parquet").unlink()
    with pytest.raises(FileNotFoundError):
        rows(settings, DECISIONS)


def test_many_entries_become_batches_of_bounded_size(settings: Settings, event_log: EventLog, run: Callable) -> None:
    event_log.append([event(number) for number in range(7)]).result()
    event_log.append_decisions([decision(number) for number in range(4)])
    run(limit=3)
    sizes = [pq.read_metadata(file).num_rows for file in batch_files(settings.paths.feedback, EVENTS)]
    assert sizes == [3, 3, 1]
    assert ids(settings) == [f"e{number}" for number in range(7)]
    assert [row["request_id"] for row in rows(settings, DECISIONS)] == [f"r{n // 2}" for n in range(8)]


def test_the_journal_forgets_what_is_safe(event_log: EventLog, run: Callable) -> None:
    event_log.append([event(1, event_type="purchase")]).result()
    run()
    assert event_log.read_from(None).events == []
    recent = event_log.of_customer("c1")
    assert [bought.product_id for bought in recent.purchases] == ["p1"]  # the service still needs it


# Where a batch could be torn: a call of the collector's, and how many of them it has made then.
KILLED_BEFORE = [
    ("shutil.rmtree", 1),
    ("pq.write_table", 2),
    ("os.fsync", 3),
    ("Path.rename", 1),
    ("event_log.truncate_before", 1),
    ("Path.rename", 2),
]


@ON_EVERY_EVENT_LOG
@pytest.mark.parametrize(("place", "call"), KILLED_BEFORE)
def test_a_collector_killed_half_way_neither_loses_nor_doubles(
    settings: Settings, event_log: EventLog, run: Callable, place: str, call: int
) -> None:
    event_log.append([event(number) for number in range(4)]).result()
    event_log.append_decisions([decision(1)])
    killed = _collect_and_die(settings, place, call)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    run(limit=2)
    assert sorted(ids(settings)) == ["e0", "e1", "e2", "e3"]
    assert [row["position"] for row in rows(settings, DECISIONS)] == [1, 2]
    assert not (settings.paths.feedback / ".batch.staging").exists()


def _collect_and_die(settings: Settings, place: str, call: int) -> "subprocess.CompletedProcess[str]":
    """Collect in a process that kills itself before the given call, counted from 1."""
    setup = """
from landing.feedback.collector import collect
from events.factory import open_event_log
from settings import load_settings
event_log = open_event_log(load_settings())
"""
    action = f"collect(Path({str(settings.paths.feedback)!r}), event_log, limit=2)"
    return die_before(place, call, setup, action, environment(settings))


def test_two_collectors_at_once_wait_for_one_another(settings: Settings, event_log: EventLog) -> None:
    event_log.append([event(number) for number in range(20)]).result()
    script = f"""
from pathlib import Path
from landing.feedback.collector import collect
from events.factory import open_event_log
from settings import Settings
collect(Path({str(settings.paths.feedback)!r}), open_event_log(Settings()), limit=1)
"""
    both = [subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, env=environment(settings)) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert ids(settings) == [f"e{number}" for number in range(20)]


def test_another_kind_of_journal_is_read_from_its_beginning(
    settings: Settings, event_log: EventLog, run: Callable
) -> None:
    event_log.append([event(1)]).result()
    run()
    last = settings.paths.feedback / "batches" / "00000001" / "batch.json"
    last.write_text(json.dumps({"until": json.dumps({"event_log": "redis", "places": {"events": "17-0"}})}))
    event_log.append([event(2)]).result()
    assert run().events == 1
    assert ids(settings) == ["e1", "e2"]


def test_a_damaged_batch_says_what_to_do(settings: Settings, event_log: EventLog, run: Callable) -> None:
    event_log.append([event(1)]).result()
    run()
    (settings.paths.feedback / "batches" / "00000001" / "batch.json").write_text("{")
    with pytest.raises(SourceError, match=r"Remove the folder .*00000001"):
        run()


def _write_raw(settings: Settings, entry: str) -> None:
    """An entry as another version or another program may have left it."""
    if settings.kafka_bootstrap_servers:
        producer = Producer({"bootstrap.servers": settings.kafka_bootstrap_servers})
        producer.produce("reach.events", entry)
        assert producer.flush(10) == 0
    elif settings.online_store == "redis":
        host, _, port = settings.redis.rpartition(":")
        redis.Redis(host, int(port), password=PASSWORD).xadd("reach:events", {"entry": entry})
    else:
        with closing(sqlite3.connect(settings.paths.events / "events.db")) as file, file:
            file.execute("INSERT INTO events (entry) VALUES (?)", (entry,))


BROKEN = [
    "{torn",
    '["no object"]',
    '[{"event_id": "x", "occurred_at": "yesterday"}]',
    '[{"event_id": "x", "customer_id": "c", "price": "much"}]',
]


@ON_EVERY_EVENT_LOG
def test_an_entry_that_cannot_be_used_is_set_aside_and_stops_nothing(
    settings: Settings, event_log: EventLog, run: Callable
) -> None:
    event_log.append([event(1)]).result()
    for entry in BROKEN:
        _write_raw(settings, entry)
    event_log.append([event(2)]).result()
    found = run()
    assert (found.events, found.set_aside) == (2, 4)
    assert sorted(ids(settings)) == ["e1", "e2"]
    kept = (settings.paths.feedback / "quarantine" / "batch-00000001.jsonl").read_text().splitlines()
    assert len(kept) == 4
    assert all(json.loads(line)["reason"] for line in kept)
    assert run().batches == 0  # the position stands behind them


def test_a_page_of_nothing_but_broken_entries_is_passed(settings: Settings, event_log: EventLog, run: Callable) -> None:
    event_log.append([event(1)]).result()
    run()
    for entry in BROKEN:
        _write_raw(settings, entry)
    event_log.append([event(2)]).result()
    assert run(limit=2).events == 1
    assert ids(settings) == ["e1", "e2"]


def test_what_was_set_aside_is_there_once_if_the_collector_is_killed(
    settings: Settings, event_log: EventLog, run: Callable
) -> None:
    event_log.append([event(1)]).result()
    _write_raw(settings, BROKEN[0])
    assert _collect_and_die(settings, "Path.rename", 1).returncode == -signal.SIGKILL
    assert run().set_aside == 1
    files = list((settings.paths.feedback / "quarantine").glob("*.jsonl"))
    assert [len(file.read_text().splitlines()) for file in files] == [1]


@ON_EVERY_EVENT_LOG
def test_the_command_says_how_much_it_took(
    settings: Settings, event_log: EventLog, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    event_log.append([event(1), event(2)]).result()
    event_log.append_decisions([decision(1)])
    for batch_count, events, shown in ((1, 2, 2), (0, 0, 0)):
        assert main(["collect"]) == 0
        result = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert result == {
            "batches": batch_count,
            "events": events,
            "decisions": shown,
            "set_aside": 0,
            "merged": 0,
            "freed_bytes": 0,
            "findings": [],
            "landed": {"events": 2, "decisions": 2, "exposures": 0},
            "dbt_vars": {"timezone": "America/New_York"},
        }
