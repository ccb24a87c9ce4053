"""A plan is stored whole, once, and holds nothing that contradicts itself."""

from dataclasses import replace
from threading import Barrier, Event, Thread

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from outbox import planning
from outbox.channels.channel import Accepted
from outbox.customers.records import Consent, record_consents
from outbox.errors import PlanError
from outbox.plan import ContactPolicy
from outbox.planning import TAKEN, Enqueued, enqueue
from outbox.sending.claims import Claimed, Claims
from outbox.status import status
from outbox.store import Store
from outbox.tables import contents, decisions, messages, plans
from tests.support.outbox.plans import MESSAGE, NOON, POLICY, a_plan, at, held_out, planned, reachable


def count(store: Store, table) -> int:
    with store.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_everybody_eligible_has_a_decision_and_the_planned_have_a_message(store: Store) -> None:
    given = [planned("a"), held_out("b"), held_out("c", outcome="suppressed", reason="no_consent")]

    assert enqueue(store, a_plan(given)) == Enqueued("p1", 1, 1, 1, 0)

    with store.read() as connection:
        rows = connection.execute(select(decisions).order_by(decisions.c.customer_id)).mappings().all()
        message = connection.execute(select(messages)).mappings().one()
        plan = connection.execute(select(plans)).mappings().one()
    assert [(r["customer_id"], r["outcome"], r["is_holdout"], r["reason"]) for r in rows] == [
        ("a", "planned", False, ""),
        ("b", "held_out", True, "hold_out"),
        ("c", "suppressed", False, "no_consent"),
    ]
    assert (message["customer_id"], message["state"], message["reason"]) == ("a", "planned", "waits")
    assert (plan["planned"], plan["held_out"], plan["suppressed"]) == (1, 1, 1)


def test_planning_twice_inserts_nothing_new_and_the_first_decision_stands(store: Store) -> None:
    enqueue(store, a_plan([planned("a"), held_out("b")]))

    again = enqueue(store, a_plan([planned("a"), planned("b"), planned("c")], plan_id="p2"))

    assert again == Enqueued("p2", planned=1, held_out=0, suppressed=0, existing=2)
    assert count(store, messages) == 2
    with store.read() as connection:
        assert connection.execute(select(plans.c.planned).where(plans.c.plan_id == "p1")).scalar_one() == 1


def test_three_planners_at_once_insert_one_message_each_customer(store: Store) -> None:
    ids = [f"c{number}" for number in range(1500)]
    start, results = Barrier(3), []

    def run(number: int) -> None:
        ordered = ids if number else ids[::-1]
        start.wait()
        results.append(enqueue(store, a_plan([planned(one) for one in ordered])))

    planners = [Thread(target=run, args=(number,)) for number in range(3)]
    for planner in planners:
        planner.start()
    for planner in planners:
        planner.join()

    assert sum(r.planned for r in results) == 1500
    assert [r.planned + r.existing for r in results] == [1500] * 3
    assert status(store)["incomplete_plans"] == []
    assert count(store, messages) == 1500
    assert count(store, contents) == 1


def test_one_occurrence_gives_one_message_whatever_the_campaign(store: Store) -> None:
    enqueue(store, a_plan([planned("a")]))

    other = enqueue(store, a_plan([planned("a")], plan_id="p2", campaign_id="c2"))

    assert (other.planned, other.suppressed) == (0, 1)
    with store.read() as connection:
        found = connection.execute(select(decisions).where(decisions.c.campaign_id == "c2")).mappings().one()
    assert (found["outcome"], found["reason"]) == ("suppressed", TAKEN)


def test_a_customer_twice_in_one_plan_is_decided_once(store: Store) -> None:
    assert enqueue(store, a_plan([planned("a"), held_out("a")])) == Enqueued("p1", 1, 0, 0, 1)


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (planned("a", propensity=0.0), "propensity 0.0"),
        (planned("a", message=None), "'planned' without a message"),
        (held_out("a", message=MESSAGE), "'held_out' with a message"),
        (held_out("a", reason=""), "without a reason"),
        (planned(""), "empty customer_id"),
        (planned("a", replace(MESSAGE, message_class="news")), "class 'news', which its policy lacks"),
        (planned("a", replace(MESSAGE, not_after=MESSAGE.not_before.replace(year=2020))), "Put the end after"),
    ],
)
def test_a_decision_that_contradicts_itself_stops_the_whole_plan(store: Store, wrong, expected: str) -> None:
    with pytest.raises(PlanError, match=expected):
        enqueue(store, a_plan([*(planned(f"c{n}") for n in range(1200)), wrong]))
    assert (count(store, plans), count(store, decisions), count(store, messages)) == (0, 0, 0)


def test_decisions_that_can_be_read_once_only_are_refused(store: Store) -> None:
    with pytest.raises(PlanError, match="can be read once only"):
        enqueue(store, a_plan(map(planned, ["a"])))
    assert count(store, plans) == 0


class Killed(BaseException):
    """Stands for a kill."""


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "CHUNK", 2)
    monkeypatch.setattr(planning, "GAP_SECONDS", 0.0)


def kill_before_chunk(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let the next call of `enqueue` die before it stores this chunk, counted from 0."""
    insert, chunks = planning._insert_chunk, iter(range(number + 1))

    def until(*arguments):
        if next(chunks) == number:
            monkeypatch.setattr(planning, "_insert_chunk", insert)
            raise Killed
        return insert(*arguments)

    monkeypatch.setattr(planning, "_insert_chunk", until)


def send(store: Store) -> set[str]:
    """Take all messages that may leave, and return their customers."""
    claims, found = Claims(store, "sender"), set()
    while isinstance(taken := claims.claim(["smtp"], at(NOON)), Claimed):
        claims.settle(taken, Accepted(), NOON)
        found.add(taken.row["customer_id"])
    return found


SIX = [planned("a"), held_out("b"), planned("c"), planned("d"), held_out("e"), planned("f")]


@pytest.mark.usefixtures("small_chunks")
def test_no_message_leaves_before_every_decision_of_its_plan_is_stored(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    reachable(store, "a", "c", "d", "f")
    kill_before_chunk(monkeypatch, 2)
    with pytest.raises(Killed):
        enqueue(store, a_plan(SIX))
    assert (count(store, decisions), count(store, messages)) == (4, 3)
    assert status(store)["incomplete_plans"] == ["p1"]
    assert send(store) == set()
    assert Claims(store, "sender").claim_export("c1", "email", "file", at(NOON)) is None

    assert enqueue(store, a_plan(SIX)) == Enqueued("p1", planned=1, held_out=1, suppressed=0, existing=4)
    assert status(store)["incomplete_plans"] == []
    assert send(store) == {"a", "c", "d", "f"}
    with store.read() as connection:
        plan = connection.execute(select(plans)).mappings().one()
    assert (plan["planned"], plan["held_out"], plan["suppressed"]) == (4, 2, 0)


@pytest.mark.usefixtures("small_chunks")
def test_the_campaigns_next_plan_completes_that_of_a_dead_planner(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next plan decides about the customers without a decision."""
    reachable(store, "a", "c", "d", "f")
    kill_before_chunk(monkeypatch, 1)
    with pytest.raises(Killed):
        enqueue(store, a_plan(SIX))
    enqueue(store, a_plan([planned("z", occurrence="other")], plan_id="q", campaign_id="other"))
    assert status(store)["incomplete_plans"] == ["p1"]

    assert enqueue(store, a_plan(SIX[2:], plan_id="p2")).existing == 0
    assert send(store) == {"a", "c", "d", "f"}


@pytest.mark.usefixtures("small_chunks")
def test_the_plan_of_a_planner_that_lives_is_left_to_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    reachable(store, "a", "c", "d", "f")
    seen: list[set[str]] = []
    complete = planning._complete

    def look(*arguments):
        monkeypatch.setattr(planning, "_complete", complete)
        enqueue(store, a_plan([planned("z", occurrence="other")], plan_id="p2"))
        seen.append(send(store))
        complete(*arguments)

    monkeypatch.setattr(planning, "_complete", look)
    enqueue(store, a_plan(SIX))
    assert seen == [set()]
    assert send(store) == {"a", "c", "d", "f"}


def test_a_consent_is_stored_while_a_large_plan_is(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The consent waits for one chunk, not for the plan: chunks follow that are stored after it."""
    insert, first, done = planning._insert_chunk, Event(), Event()
    chunks_after: list[str] = []

    def watched(*arguments):
        chunks_after.extend(["chunk"] if done.is_set() else [])
        first.set()
        return insert(*arguments)

    monkeypatch.setattr(planning, "_insert_chunk", watched)
    planner = Thread(target=lambda: enqueue(store, a_plan([planned(f"c{n}") for n in range(10_000)])))
    planner.start()
    first.wait()
    record_consents(store, [Consent("c9", "email", "marketing", False, NOON, "customer")])
    done.set()
    planner.join()
    assert chunks_after
    assert status(store)["messages"] == {"planned": {"waits": 10_000}}


def test_a_plans_id_belongs_to_one_definition(store: Store) -> None:
    enqueue(store, a_plan([planned("a")]))
    with pytest.raises(PlanError, match="'p1' is already stored with another definition"):
        enqueue(store, a_plan([planned("b")], definition={"goal": "y"}))


def test_the_database_excludes_a_message_to_the_hold_out(store: Store) -> None:
    enqueue(store, a_plan([planned("a"), held_out("b")]))
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"), store.engine.begin() as connection:
        row = dict(connection.execute(select(messages)).mappings().one())
        connection.execute(messages.insert(), {**row, "message_id": "m2", "customer_id": "b"})


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"state": "suppressed", "reason": ""}, "reason_of_message"),
        ({"state": "sending", "owner": None}, "owner_of_sending"),
        ({"state": "gone"}, "known_state"),
        ({"local_day": NOON.date(), "day_slot": 1, "cap_per_day": 1}, "daily_cap"),
    ],
)
def test_the_database_excludes_rows_that_must_never_be(store: Store, changed, name: str) -> None:
    enqueue(store, a_plan([planned("a")]))
    with pytest.raises(IntegrityError, match=name), store.engine.begin() as connection:
        connection.execute(messages.update().values(changed))


def test_a_policy_is_stored_and_read_unchanged() -> None:
    assert ContactPolicy.from_json(POLICY.to_json()) == POLICY
