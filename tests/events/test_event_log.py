"""Every event log gives the same guarantees: SQLite, a real Redis, and Kafka (librdkafka's mock cluster)."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from core.clock import utc_now
from core.event_types import event_types
from core.held import Held
from events.errors import EventLogUnavailableError, OffsetError
from events.event_log import EventLog, LogBatch
from events.factory import open_event_log, open_recent_events
from events.offsets import decode, encode
from events.records import CustomerEvents, Decision, Event, Interaction, ShownItem
from settings import Settings
from tests.support.servers.kafka_cluster import kafka_cluster
from tests.support.servers.redis_server import PASSWORD, redis_server

NOON = datetime(2018, 1, 1, 12)
Open = Callable[[], EventLog]


def event(event_id: str, **fields: Any) -> Event:
    given = {"customer_id": "ann", "product_id": "p1", "event_type": "purchase", "occurred_at": NOON}
    fields = given | fields
    if isinstance(fields["occurred_at"], datetime):
        fields["occurred_at"] = fields["occurred_at"].isoformat() + "Z"
    return Event.model_validate({"event_id": event_id} | fields)


def decision(request_id: str, *product_ids: str) -> Decision:
    items = [ShownItem(product_id, "repeat_purchases", 1.5) for product_id in product_ids]
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
    return Settings(data=tmp_path, kafka_bootstrap_servers=servers)


@pytest.fixture
def opened(settings: Settings) -> Iterator[Open]:
    """Opens the event log again and again, each as another process would."""
    event_logs = []

    def event_log() -> EventLog:
        event_logs.append(open_event_log(settings))
        return event_logs[-1]

    yield event_log
    for one in event_logs:
        one.close()


@pytest.fixture
def start(opened: Open) -> str:
    """The position behind what an earlier test left in Kafka."""
    return read_all(opened(), None)[-1].position


def read_all(event_log: EventLog, position: str | None, limit: int = 1000) -> list[LogBatch]:
    pages = [event_log.read_from(position, limit)]
    while pages[-1].events or pages[-1].decisions:
        pages.append(event_log.read_from(pages[-1].position, limit))
    return pages


def event_ids(event_log: EventLog, position: str | None) -> list[str]:
    return [row["event_id"] for page in read_all(event_log, position) for row in page.events]


def bought(event_log: EventLog) -> set[str]:
    return {purchase.event_id for purchase in event_log.of_customer("ann").purchases}


def test_an_event_sent_again_is_no_new_event(opened: Open) -> None:
    event_log = opened()
    assert event_log.append([event("a"), event("b"), event("a", product_id="p2")]).result() == [True, True, False]
    assert opened().append([event("b"), event("c")]).result() == [False, True]
    assert bought(event_log) == {"a", "b", "c"}
    assert {purchase.product_id for purchase in event_log.of_customer("ann").purchases} == {"p1"}


def test_every_process_sees_an_acknowledged_purchase(opened: Open) -> None:
    here, there = opened(), opened()
    here.append([event("a", quantity=2, price=1.25, occurred_at="2018-01-01T07:00:00-05:00")]).result()
    [purchase] = there.of_customer("ann").purchases
    assert (purchase.product_id, purchase.occurred_at, purchase.quantity, purchase.price) == ("p1", NOON, 2.0, 1.25)
    assert utc_now() - purchase.received_at < timedelta(minutes=1)
    assert there.of_customer("bob") == CustomerEvents([], [])


RATED = {"event_type": "rating", "rating_min": 1, "rating_max": 5}


def did(event_log: EventLog, customer_id: str = "ann") -> dict[tuple[str, str], Interaction]:
    found = event_log.of_customer(customer_id).interactions
    return {(each.event_type, each.product_id): each for each in found}


def test_events_that_change_lists_are_kept_by_customer(opened: Open) -> None:
    event_log = opened()
    event_log.append(
        [
            event("a", event_type="view"),
            event("b", event_type="cart"),
            event("c"),
            event("d", event_type="impression"),
            event("e", event_type="search", query="oat milk", product_id=None),
            event("f", event_type="search", query="oat milk", product_id="p2"),
            event("g", rating=2, **RATED),
        ]
    ).result()
    assert bought(event_log) == {"c"}
    found = did(opened())
    assert set(found) == {("view", "p1"), ("cart", "p1"), ("search", "p2"), ("rating", "p1")}
    assert found["rating", "p1"] == Interaction("g", "rating", "p1", NOON, 0.25)  # (2 - 1) / (5 - 1)
    assert "oat" not in str(found)  # what was searched for stays in the log


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_of_a_type_and_product_the_newest_event_is_kept_whatever_came_first(
    opened: Open, order: tuple[int, ...]
) -> None:
    event_log = opened()
    for n in order:
        hour = NOON + timedelta(hours=n)
        event_log.append([event(f"e{n}", occurred_at=hour, rating=1 + n, **RATED)]).result()
    assert did(event_log) == {("rating", "p1"): Interaction("e2", "rating", "p1", NOON + timedelta(hours=2), 0.5)}


def test_the_newest_products_of_a_type_are_kept(opened: Open) -> None:
    event_log, most = opened(), event_types().recent.products
    views = [
        event(f"v{n}", product_id=f"p{n}", event_type="view", occurred_at=NOON + timedelta(minutes=n))
        for n in range(most + 2)
    ]
    event_log.append([event("r", rating=1, **RATED), *reversed(views)]).result()
    found = did(event_log)
    assert {product for kind, product in found if kind == "view"} == {f"p{n}" for n in range(2, most + 2)}
    assert ("rating", "p1") in found  # views push no rating out


def test_events_that_change_no_list_any_more_are_evicted(settings: Settings) -> None:
    recent = open_recent_events(settings)
    recent.append([event("v", event_type="view"), event("r", rating=1, **RATED), event("p")]).result()
    held = Held(NOON, NOON, NOON)  # holds no purchase
    assert recent.evict_materialized(NOON + timedelta(days=6), held) == 0
    assert recent.evict_materialized(NOON + timedelta(days=8), held) == 1
    assert [each.event_type for each in recent.of_customer("ann").interactions] == ["rating"]
    recent.close()


def test_an_erased_customer_has_no_recent_events(opened: Open) -> None:
    event_log = opened()
    event_log.append([event("a"), event("b", event_type="view"), event("c", customer_id="bob")]).result()
    assert event_log.erase(["ann", "nobody"]) == 2
    assert opened().of_customer("ann") == CustomerEvents([], [])
    assert len(event_log.of_customer("bob").purchases) == 1
    assert event_log.erase([]) == 0


def test_a_collector_reads_on_from_its_cursor(opened: Open, start: str) -> None:
    event_log = opened()
    event_log.append([event("a"), event("b", event_type="click", request_id="r0")]).result()
    event_log.append_decisions([decision("r1", "p1", "p2"), decision("r2", "p3")])
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
    event_log.append([event("a"), event("c")]).result()
    assert set(event_ids(opened(), pages[-1].position)) - {"a"} == {"c"}


def test_small_pages_give_everything(opened: Open, start: str) -> None:
    event_log = opened()
    sent = [f"small-{n}" for n in range(25)]
    for event_id in sent:
        event_log.append([event(event_id)]).result()
    event_log.append_decisions([decision(f"r{n}", "p1", "p2", "p3") for n in range(5)])
    pages = read_all(opened(), start, limit=4)
    assert len(pages) > 3
    assert [row["event_id"] for page in pages for row in page.events] == sent
    assert sum(len(page.decisions) for page in pages) == 15


def test_many_senders_at_once_lose_nothing(opened: Open, start: str) -> None:
    event_logs = [opened(), opened()]
    answers: list[bool] = []

    def send(sender: int) -> None:
        for n in range(10):  # every event is sent by two senders
            answers.extend(event_logs[sender % 2].append([event(f"{sender // 2}-{n}")]).result())

    threads = [threading.Thread(target=send, args=[sender]) for sender in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(True) == answers.count(False) == 30
    sent = {f"{pair}-{n}" for pair in range(3) for n in range(10)}
    assert set(event_ids(event_logs[0], start)) == bought(event_logs[1]) == sent


def test_purchases_in_the_feature_tables_are_forgotten_and_no_others(opened: Open, settings: Settings) -> None:
    event_log = opened()
    event_log.append([event("before"), event("after", occurred_at=NOON + timedelta(days=2))]).result()
    recent = open_recent_events(settings)
    midnight, start, end = NOON + timedelta(hours=12), datetime.min, datetime.max
    assert recent.evict_materialized(midnight, Held(NOON, end, end)) == 0  # no receipt reaches it
    assert (
        recent.evict_materialized(midnight, Held(start, start, utc_now() - timedelta(hours=1))) == 0
    )  # it arrived after collection
    assert recent.evict_materialized(midnight, Held(start, start, utc_now() + timedelta(hours=1))) == 1
    assert bought(event_log) == {"after"}
    assert recent.evict_materialized(NOON + timedelta(days=3), Held(NOON + timedelta(days=2, hours=1), end, start)) == 1
    assert bought(event_log) == set()
    assert event_log.append([event("before")]).result() == [False]
    recent.close()


def test_what_was_collected_can_be_forgotten(opened: Open, settings: Settings) -> None:
    if settings.kafka_bootstrap_servers is not None:
        pytest.skip("Kafka deletes by its own retention")
    event_log = opened()
    event_log.append([event("a"), event("b")]).result()
    event_log.append_decisions([decision("r1", "p1")])
    [page, _] = read_all(event_log, None)
    event_log.append([event("c")]).result()
    assert event_log.truncate_before(page.position) == 3
    assert event_ids(event_log, None) == event_ids(event_log, page.position) == ["c"]
    assert bought(event_log) == {"a", "b", "c"}


def test_another_journals_cursor_is_refused(opened: Open) -> None:
    with pytest.raises(OffsetError, match="is not a position in an event log in"):
        opened().read_from('{"log": "paper", "offsets": {}}')


def test_a_closed_journal_says_so(opened: Open) -> None:
    event_log = opened()
    event_log.append([event("a")]).result()
    event_log.close()
    with pytest.raises(EventLogUnavailableError, match="closed"):
        event_log.append([event("b")])


def test_the_folder_of_earlier_versions_is_moved_once_with_everything_in_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(data=tmp_path)
    with closing(open_event_log(settings)) as event_log:
        event_log.append([event("1", event_type="purchase")]).result()
    settings.paths.events.rename(tmp_path / "live")
    caplog.set_level("INFO")
    for _ in range(2):
        with closing(open_event_log(settings)) as event_log:
            assert event_ids(event_log, None) == ["1"]
            assert len(event_log.of_customer("ann").purchases) == 1
    assert [record.message for record in caplog.records] == [
        f"Moved the event log from {tmp_path / 'live'} to {tmp_path / 'events'}, its name since this version."
    ]
    assert not (tmp_path / "live").exists()


def test_a_position_of_an_earlier_version_is_understood() -> None:
    assert decode("sqlite", '{"journal": "sqlite", "places": {"events": "7"}}') == {"events": "7"}
    assert decode("sqlite", encode("sqlite", {"events": "7"})) == {"events": "7"}


def test_fields_of_experiments_are_stored_with_a_decision_and_left_out_when_empty() -> None:
    plain = Decision("r", "c", "all", "v1", None, [ShownItem("p", "popular", 1.0)])
    assert not {"experiment_id", "variant", "propensity", "is_holdout"} & set(plain.rows()[0])
    assigned = Decision(
        *("r", "c", "all", "v1", None, [ShownItem("p", "popular", 1.0, 0.25)]),
        experiment_id="e1",
        variant="b",
        is_holdout=False,
    )
    (row,) = assigned.rows()
    assert (row["experiment_id"], row["variant"], row["propensity"], row["is_holdout"]) == ("e1", "b", 0.25, False)
