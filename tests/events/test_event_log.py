"""What every journal promises: SQLite, a real Redis, and Kafka (librdkafka's mock cluster)."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from core.clock import utc_now
from core.held import Held
from events.errors import CursorError, JournalUnavailableError
from events.event_log import Journal, Page, open_journal, open_recent
from events.records import Decision, Event, Shown
from settings import Settings
from tests.support.servers.kafka_cluster import kafka_cluster
from tests.support.servers.redis_server import PASSWORD, redis_server

NOON = datetime(2018, 1, 1, 12)
Open = Callable[[], Journal]


def event(event_id: str, **fields: Any) -> Event:
    given = {"customer_id": "ann", "product_id": "p1", "event_type": "purchase", "occurred_at": NOON}
    fields = given | fields
    if isinstance(fields["occurred_at"], datetime):
        fields["occurred_at"] = fields["occurred_at"].isoformat() + "Z"
    return Event.model_validate({"event_id": event_id} | fields)


def decision(request_id: str, *product_ids: str) -> Decision:
    items = [Shown(product_id, "repeat_purchases", 1.5) for product_id in product_ids]
    return Decision(request_id, "ann", "all", "v1", None, items, NOON)


@pytest.fixture(scope="module")
def redis_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as (address, _):
        yield address


@pytest.fixture(scope="module")
def kafka_servers() -> Iterator[str]:
    with kafka_cluster() as servers:
        yield servers


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=pytest.mark.redis), "kafka"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    if request.param == "redis":
        address = request.getfixturevalue("redis_address")
        redis.Redis.from_url(f"redis://:{PASSWORD}@{address}").flushall()
        return Settings(data=tmp_path, online_store="redis", redis=address, redis_password=PASSWORD)
    servers = request.getfixturevalue("kafka_servers") if request.param == "kafka" else None
    return Settings(data=tmp_path, events_kafka=servers)


@pytest.fixture
def opened(settings: Settings) -> Iterator[Open]:
    """Opens the journal again and again, each as another process would."""
    journals = []

    def journal() -> Journal:
        journals.append(open_journal(settings))
        return journals[-1]

    yield journal
    for one in journals:
        one.close()


@pytest.fixture
def start(opened: Open) -> str:
    """The cursor behind what an earlier test left in Kafka."""
    return read_all(opened(), None)[-1].cursor


def read_all(journal: Journal, cursor: str | None, limit: int = 1000) -> list[Page]:
    pages = [journal.read_after(cursor, limit)]
    while pages[-1].events or pages[-1].decisions:
        pages.append(journal.read_after(pages[-1].cursor, limit))
    return pages


def event_ids(journal: Journal, cursor: str | None) -> list[str]:
    return [row["event_id"] for page in read_all(journal, cursor) for row in page.events]


def bought(journal: Journal) -> set[str]:
    return {purchase.event_id for purchase in journal.of_customer("ann")}


def test_an_event_sent_again_is_no_new_event(opened: Open) -> None:
    journal = opened()
    assert journal.append([event("a"), event("b"), event("a", product_id="p2")]).result() == [True, True, False]
    assert opened().append([event("b"), event("c")]).result() == [False, True]
    assert bought(journal) == {"a", "b", "c"}
    assert {purchase.product_id for purchase in journal.of_customer("ann")} == {"p1"}


def test_every_process_sees_an_acknowledged_purchase(opened: Open) -> None:
    here, there = opened(), opened()
    here.append([event("a", quantity=2, price=1.25, occurred_at="2018-01-01T07:00:00-05:00")]).result()
    [purchase] = there.of_customer("ann")
    assert (purchase.product_id, purchase.occurred_at, purchase.quantity, purchase.price) == ("p1", NOON, 2.0, 1.25)
    assert utc_now() - purchase.received_at < timedelta(minutes=1)
    assert there.of_customer("bob") == []


def test_only_purchases_are_kept_by_customer(opened: Open) -> None:
    journal = opened()
    journal.append([event("a", event_type="view"), event("b", event_type="cart"), event("c")]).result()
    assert bought(journal) == {"c"}


def test_a_collector_reads_on_from_its_cursor(opened: Open, start: str) -> None:
    journal = opened()
    journal.append([event("a"), event("b", event_type="click", request_id="r0")]).result()
    journal.append_decisions([decision("r1", "p1", "p2"), decision("r2", "p3")])
    pages = read_all(opened(), start)
    events = {row["event_id"]: row for page in pages for row in page.events}
    shown = [row for page in pages for row in page.decisions]
    assert {(row["request_id"], row["position"], row["product_id"]) for row in shown} == {
        ("r1", 1, "p1"),
        ("r1", 2, "p2"),
        ("r2", 1, "p3"),
    }
    assert shown[0]["decided_at"] == NOON
    assert (events["b"]["event_type"], events["b"]["request_id"], events["b"]["occurred_at"]) == ("click", "r0", NOON)
    journal.append([event("a"), event("c")]).result()
    assert set(event_ids(opened(), pages[-1].cursor)) - {"a"} == {"c"}


def test_small_pages_give_everything(opened: Open, start: str) -> None:
    journal = opened()
    sent = [f"small-{n}" for n in range(25)]
    for event_id in sent:
        journal.append([event(event_id)]).result()
    journal.append_decisions([decision(f"r{n}", "p1", "p2", "p3") for n in range(5)])
    pages = read_all(opened(), start, limit=4)
    assert len(pages) > 3
    assert [row["event_id"] for page in pages for row in page.events] == sent
    assert sum(len(page.decisions) for page in pages) == 15


def test_many_senders_at_once_lose_nothing(opened: Open, start: str) -> None:
    journals = [opened(), opened()]
    answers: list[bool] = []

    def send(sender: int) -> None:
        for n in range(10):  # every event is sent by two senders
            answers.extend(journals[sender % 2].append([event(f"{sender // 2}-{n}")]).result())

    threads = [threading.Thread(target=send, args=[sender]) for sender in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(True) == answers.count(False) == 30
    sent = {f"{pair}-{n}" for pair in range(3) for n in range(10)}
    assert set(event_ids(journals[0], start)) == bought(journals[1]) == sent


def test_purchases_in_the_feature_tables_are_forgotten_and_no_others(opened: Open, settings: Settings) -> None:
    journal = opened()
    journal.append([event("before"), event("after", occurred_at=NOON + timedelta(days=2))]).result()
    recent = open_recent(settings)
    midnight, start, end = NOON + timedelta(hours=12), datetime.min, datetime.max
    assert recent.forget_contained(midnight, Held(NOON, end, end)) == 0  # no receipt reaches it
    assert (
        recent.forget_contained(midnight, Held(start, start, utc_now() - timedelta(hours=1))) == 0
    )  # it arrived after collection
    assert recent.forget_contained(midnight, Held(start, start, utc_now() + timedelta(hours=1))) == 1
    assert bought(journal) == {"after"}
    assert recent.forget_contained(NOON + timedelta(days=3), Held(NOON + timedelta(days=2, hours=1), end, start)) == 1
    assert bought(journal) == set()
    assert journal.append([event("before")]).result() == [False]
    recent.close()


def test_what_was_collected_can_be_forgotten(opened: Open, settings: Settings) -> None:
    if settings.events_kafka is not None:
        pytest.skip("Kafka forgets by its own retention")
    journal = opened()
    journal.append([event("a"), event("b")]).result()
    journal.append_decisions([decision("r1", "p1")])
    [page, _] = read_all(journal, None)
    journal.append([event("c")]).result()
    assert journal.forget_collected(page.cursor) == 3
    assert event_ids(journal, None) == event_ids(journal, page.cursor) == ["c"]
    assert bought(journal) == {"a", "b", "c"}


def test_another_journals_cursor_is_refused(opened: Open) -> None:
    with pytest.raises(CursorError, match="is no cursor of a journal in"):
        opened().read_after('{"journal": "paper", "places": {}}')


def test_a_closed_journal_says_so(opened: Open) -> None:
    journal = opened()
    journal.append([event("a")]).result()
    journal.close()
    with pytest.raises(JournalUnavailableError, match="closed"):
        journal.append([event("b")])
