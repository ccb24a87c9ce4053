"""A plan is stored whole, once, and holds nothing that contradicts itself."""

from dataclasses import replace
from threading import Barrier, Thread

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from outbox.errors import PlanError
from outbox.plan import ContactPolicy
from outbox.planning import TAKEN, Enqueued, enqueue
from outbox.store import Store
from outbox.tables import contents, decisions, messages, plans
from tests.support.outbox.plans import MESSAGE, NOON, POLICY, a_plan, held_out, planned


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
        results.append(enqueue(store, a_plan(map(planned, ordered))))

    planners = [Thread(target=run, args=(number,)) for number in range(3)]
    for planner in planners:
        planner.start()
    for planner in planners:
        planner.join()

    assert sorted((r.planned, r.existing) for r in results) == [(0, 1500), (0, 1500), (1500, 0)]
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
