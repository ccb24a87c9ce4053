"""Store a plan chunk by chunk, so that other writers wait briefly; no message leaves before the plan is whole.

Each chunk is a transaction with decisions and their messages. The plan has an owner until its last chunk is stored, and
senders pass over messages of such plans. A killed planner leaves a plan whose owner has died: planning again completes
it. Planning the same twice, or by several planners at once, inserts nothing new: an occurrence of a customer is decided
once, and the first decision stands.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, select, tuple_, update

from outbox.customers.records import ERASED
from outbox.errors import PlanError
from outbox.plan import Decision, Message, Plan
from outbox.sending.liveness import OwnerLock
from outbox.store import Store
from outbox.tables import INCOMPLETE, contents, decisions, messages, plans, suppressions

CHUNK = 500
"""Decisions of one transaction; memory does not grow with the plan."""

GAP_SECONDS = 0.1
"""Time between two transactions: a writer that waits for an SQLite file looks at least as often."""

WAITS = "waits"
"""The reason of a message that nothing holds back but its time."""

TAKEN = "planned_by_another_campaign"
"""The reason of a decision whose occurrence already has a message from another campaign."""

_KEY = ("customer_id", "campaign_id", "trigger", "occurrence")


@dataclass(frozen=True)
class Enqueued:
    """The numbers of rows that a call of `enqueue` inserted.

    Attributes:
        plan_id: the plan.
        planned: new messages.
        held_out: new decisions of the hold-out.
        suppressed: new decisions without a message, also those whose occurrence another campaign has taken.
        existing: decisions that were there already; nothing changed for these.
        erased: decisions about erased customers, which are not stored.
    """

    plan_id: str
    planned: int
    held_out: int
    suppressed: int
    existing: int
    erased: int = 0


def enqueue(store: Store, plan: Plan) -> Enqueued:
    """Store the plan's decisions and its messages, which may leave when all are stored.

    A kill leaves the chunks that were stored; their messages wait until a further call for the same campaign.

    Raises:
        PlanError: A decision contradicts itself, or the plan's id belongs to another definition. Nothing was stored.
        StoreError: The store cannot be written. No message of the plan leaves; enqueue it again.
    """
    _check_all(plan)
    count = dict.fromkeys(("planned", "held_out", "suppressed", "existing", "erased"), 0)
    with OwnerLock(store) as lock:
        with store.write("plan") as connection:
            _insert_plan(store, connection, plan, lock.owner)
        written_at = time.monotonic()
        for chunk in _chunks(plan.decisions):
            rows = [_decision_row(plan, decision) for decision in chunk]
            time.sleep(max(0.0, GAP_SECONDS - (time.monotonic() - written_at)))
            with store.write("plan") as connection:
                found = _insert_chunk(store, connection, plan, chunk, rows, lock.owner)
            written_at = time.monotonic()
            for outcome, number in found.items():
                count[outcome] += number
        _complete(store, plan, lock)
    return Enqueued(plan.plan_id, **count)


def _complete(store: Store, plan: Plan, lock: OwnerLock) -> None:
    """Let the plan's messages leave, and those of the campaign's earlier plans whose planner has died.

    This plan decides about the customers without a decision in an earlier one.
    """
    of_campaign = (plans.c.campaign_id == plan.campaign_id, INCOMPLETE)
    with store.read() as connection:
        found = connection.execute(select(plans.c.plan_id, plans.c.owner).where(*of_campaign)).tuples().all()
    whole = {plan.plan_id, *(plan_id for plan_id, owner in found if owner != lock.owner and lock.is_dead(owner))}
    with store.write("plan") as connection:
        connection.execute(update(plans).where(plans.c.plan_id.in_(whole)).values({"owner": None}))


def _insert_plan(store: Store, connection: Connection, plan: Plan, owner: str) -> None:
    row = {
        "plan_id": plan.plan_id,
        "campaign_id": plan.campaign_id,
        "campaign_version": plan.campaign_version,
        "definition": dict(plan.definition),
        "policy": plan.policy.to_json(),
        "as_of": plan.as_of,
        "planned_at": plan.planned_at,
        "owner": owner,
    }
    if connection.execute(store.insert_new(plans).returning(plans.c.plan_id), row).first() is not None:
        return
    found = connection.execute(select(plans).where(plans.c.plan_id == plan.plan_id)).mappings().one()
    different = [
        name for name in ("campaign_id", "campaign_version", "definition", "policy") if found[name] != row[name]
    ]
    if different:
        raise PlanError(
            f"Plan '{plan.plan_id}' is already stored with another {' and '.join(different)}. Give the new plan "
            "another id; the stored one stands."
        )


def _insert_chunk(
    store: Store, connection: Connection, plan: Plan, chunk: list[Decision], rows: list[dict[str, Any]], owner: str
) -> dict[str, int]:
    ids = {decision.customer_id for decision in chunk}
    listed = select(suppressions.c.customer_id).where(suppressions.c.reason == ERASED)
    erased = set(connection.execute(listed.where(suppressions.c.customer_id.in_(ids))).scalars())
    rows = [row for row in rows if row["customer_id"] not in erased]
    inserted = _new_keys(connection, store.insert_new(decisions).returning(*(decisions.c[name] for name in _KEY)), rows)
    first = {(d.customer_id, plan.campaign_id, d.trigger, d.occurrence): d for d in reversed(chunk)}
    new = {key: first[key] for key in inserted}
    wanted = {key: decision for key, decision in new.items() if decision.message is not None}
    given = _insert_messages(store, connection, plan, list(wanted.values()))
    taken = [key for key in wanted if key not in given]
    if taken:
        columns = tuple_(*(decisions.c[name] for name in _KEY))
        connection.execute(
            update(decisions).where(columns.in_(taken)).values({"outcome": "suppressed", "reason": TAKEN})
        )
    held_out = sum(decision.is_holdout for decision in new.values())
    count = {"planned": len(given), "held_out": held_out, "suppressed": len(new) - len(given) - held_out}
    if new:
        total = {name: plans.c[name] + number for name, number in count.items()}
        connection.execute(update(plans).where(plans.c.plan_id == plan.plan_id).values(total | {"owner": owner}))
    return {**count, "existing": len(rows) - len(new), "erased": len(chunk) - len(rows)}


def _insert_messages(store: Store, connection: Connection, plan: Plan, planned: list[Decision]) -> set[tuple[Any, ...]]:
    """Insert messages, and return the keys of those that no constraint excluded."""
    texts = {m.content.content_hash: m.content for d in planned if (m := d.message) is not None}
    _new_keys(
        connection,
        store.insert_new(contents),
        [
            {"content_hash": digest, "subject": c.subject, "body_text": c.body_text, "body_html": c.body_html}
            for digest, c in texts.items()
        ],
    )
    rows = [_message_row(plan, decision, decision.message) for decision in planned if decision.message is not None]
    statement = store.insert_new(messages).returning(*(messages.c[name] for name in _KEY))
    return set(_new_keys(connection, statement, rows))


def _new_keys(connection: Connection, statement: Any, rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    if not rows:
        return []
    result = connection.execute(statement, rows)
    return [tuple(row) for row in result] if result.returns_rows else []


def _check_all(plan: Plan) -> None:
    if iter(plan.decisions) is plan.decisions:
        raise PlanError(
            f"The decisions of plan '{plan.plan_id}' can be read once only, so they cannot be checked before they are "
            "stored. Give a collection, or an object that reads them again."
        )
    for decision in plan.decisions:
        _check(plan, decision)


def _check(plan: Plan, decision: Decision) -> None:
    """Raise PlanError if the decision contradicts itself; the message names no customer."""
    what = f"A decision of plan '{plan.plan_id}' for trigger '{decision.trigger}', occurrence '{decision.occurrence}',"
    message = decision.message
    if not all((decision.customer_id, decision.trigger, decision.occurrence, decision.variant)):
        raise PlanError(f"{what} has an empty customer_id, trigger, occurrence or variant. Fill all four.")
    if not 0 < decision.propensity <= 1:
        raise PlanError(f"{what} has propensity {decision.propensity}. Give the probability of its variant, in (0, 1].")
    if (decision.outcome == "planned") != (message is not None):
        raise PlanError(
            f"{what} is '{decision.outcome}' {'with' if message else 'without'} a message. Only 'planned' has one."
        )
    if decision.outcome != "planned" and not decision.reason:
        raise PlanError(f"{what} is '{decision.outcome}' without a reason. Name the reason.")
    if message is None:
        return
    if message.message_class not in plan.policy.classes:
        raise PlanError(
            f"{what} has message class '{message.message_class}', which its policy lacks. "
            f"Known classes: {', '.join(sorted(plan.policy.classes))}."
        )
    if message.not_before > message.not_after:
        raise PlanError(
            f"{what} may leave from {message.not_before} to {message.not_after}. Put the end after the start."
        )


def _decision_row(plan: Plan, decision: Decision) -> dict[str, Any]:
    return {
        "customer_id": decision.customer_id,
        "campaign_id": plan.campaign_id,
        "trigger": decision.trigger,
        "occurrence": decision.occurrence,
        "plan_id": plan.plan_id,
        "variant": decision.variant,
        "propensity": decision.propensity,
        "is_holdout": decision.is_holdout,
        "outcome": decision.outcome,
        "reason": decision.reason,
        "segment": decision.segment,
        "content": decision.content,
        "coupon_id": decision.coupon_id,
        "product_ids": list(decision.product_ids),
        "expected_value": decision.expected_value,
        "decided_at": plan.planned_at,
    }


def _message_row(plan: Plan, decision: Decision, message: Message) -> dict[str, Any]:
    return {
        "message_id": str(uuid4()),
        "plan_id": plan.plan_id,
        "customer_id": decision.customer_id,
        "campaign_id": plan.campaign_id,
        "trigger": decision.trigger,
        "occurrence": decision.occurrence,
        "variant": decision.variant,
        "message_class": message.message_class,
        "purpose": message.purpose,
        "channel": message.channel,
        "delivery": message.delivery,
        "content_hash": message.content.content_hash,
        "expected_value": decision.expected_value,
        "not_before": message.not_before,
        "not_after": message.not_after,
        "due_at": message.not_before,
        "state": "planned",
        "reason": WAITS,
        "planned_at": plan.planned_at,
    }


def _chunks(found: Iterable[Decision]) -> Iterator[list[Decision]]:
    iterator = iter(found)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
