"""Measure all campaigns together: customers of the global hold-out against everybody else.

A customer takes part from the first decision that reached the draw of the global hold-out: no message was sent
before it, so taking part does not depend on the arm. Everybody else counts as treated, whatever a campaign decided
about them later: held out of a single campaign, over a cap, or beyond a budget.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
from sqlalchemy import ColumnElement, case, func, select

from experiments.assignment import experiment_key, hash_numbers
from experiments.identification import Check
from experiments.measurement.arms import Arms
from marketing.campaigns.plan.plan import GLOBAL_HOLDOUT, GLOBAL_KEY
from marketing.campaigns.plan.reasons import BEFORE_GLOBAL_DRAW
from marketing.measurement.announcement import Announcement
from marketing.measurement.errors import MeasurementError
from outbox.customers.records import PSEUDONYM
from outbox.store import Store
from outbox.tables import decisions, plans

NAME = "global-hold-out"
"""Names the measurement in its announcement."""

TOGETHER = "_global_hold_out"
"""Names its result, which is the one of all campaigns together; no campaign can have this id."""

OTHERS = "everybody else"
"""The arm of customers that campaigns may reach."""

LOOK_WEEKS = (13, 26, 39, 52)
"""Weeks from the first draw to each look; the same for every shop, because a later choice would find chance."""


@dataclass(frozen=True)
class Draws:
    """The plans since the global hold-out has been drawn without a break.

    Attributes:
        since: instant of the first of these plans, naive UTC.
        lowest: the smallest share of any of them.
        highest: the largest.
        classes: the message classes that it covers.
    """

    since: datetime
    lowest: float
    highest: float
    classes: Sequence[str]


def draws_of(store: Store, share: float, classes: Sequence[str]) -> Draws | str:
    """Return the draws so far, or why there is none as a sentence.

    Args:
        store: the opened outbox.
        share: of the global hold-out by the present contact policy.
        classes: the message classes that it covers.

    Raises:
        StoreError: the outbox cannot be read.
    """
    if share == 0:
        return "the contact policy draws no global hold-out ([global_hold_out] share = 0)"
    asked = (
        select(plans.c.planned_at, plans.c.policy["global_hold_out"], _class_of_plan())
        .where(_class_of_plan().in_(classes))
        .order_by(plans.c.planned_at)
    )
    since: datetime | None = None
    shares: list[float] = []
    with store.read() as connection:
        for planned_at, held, message_class in connection.execute(asked):
            drawn = held["share"] if held and message_class in held["classes"] else 0.0
            if not drawn:
                since, shares = None, []
                continue
            since, shares = since or planned_at, [*shares, drawn]
    if since is None:
        return "no plan has drawn the global hold-out yet; the next plan of a campaign draws it"
    return Draws(since, min(shares), max(shares), classes)


def arms_of_draws(store: Store, drawn: Draws, secret: Path) -> Arms:
    """Return the customers who took part in the draws, each with the first decision.

    If the share changed, customers whose arm it changed are in neither arm: whether a customer is one of them depends
    on the draw alone.

    Args:
        store: the opened outbox.
        drawn: the draws.
        secret: the file of the installation's secret.

    Raises:
        MeasurementError: the secret cannot be read, or no customer took part.
        StoreError: the outbox cannot be read.
    """
    ids, decided_at, always, ever = _customers(store, drawn)
    if not len(ids):
        raise MeasurementError("No customer reached the draw of the global hold-out: every one had an earlier reason.")
    number = hash_numbers(experiment_key(_read(secret), GLOBAL_KEY), ids.tolist())
    # An erased customer's name is random, so the stored arm stands.
    is_erased = np.char.startswith(ids, PSEUDONYM)
    number[is_erased] = np.where(ever[is_erased], 0.0, 1.0)
    is_held, is_other = number < drawn.lowest, number >= drawn.highest
    wrong = int((is_held & ~always).sum() + (is_other & ever).sum())
    kept = is_held | is_other
    total = drawn.lowest + 1 - drawn.highest
    return Arms(
        customer_ids=ids[kept],
        variant=np.where(is_held, GLOBAL_HOLDOUT, OTHERS)[kept],
        decided_at=decided_at[kept],
        holdout=GLOBAL_HOLDOUT,
        shares={GLOBAL_HOLDOUT: drawn.lowest / total, OTHERS: (1 - drawn.highest) / total},
        checks=(_one_draw(wrong),),
        unassigned=int((~kept).sum()),
    )


def announcement_of(start: date) -> Announcement:
    """Return the fixed announcement: spend, and a look every quarter of a year from the local day of the start."""
    return Announcement(NAME, "spend", tuple(start + timedelta(weeks=week) for week in LOOK_WEEKS))


def _customers(store: Store, drawn: Draws) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return by customer: id, first decision, and whether every and whether any decision held the customer out."""
    is_held = case((decisions.c.variant == GLOBAL_HOLDOUT, 1), else_=0)
    asked = (
        select(decisions.c.customer_id, func.min(decisions.c.decided_at), func.min(is_held), func.max(is_held))
        .join(plans, plans.c.plan_id == decisions.c.plan_id)
        .where(
            plans.c.planned_at >= drawn.since,
            _class_of_plan().in_(drawn.classes),
            decisions.c.reason.not_in(BEFORE_GLOBAL_DRAW),
        )
        .group_by(decisions.c.customer_id)
        .order_by(decisions.c.customer_id)
    )
    with store.read() as connection:
        rows = connection.execute(asked).tuples().all()
    ids, instants, always, ever = zip(*rows, strict=True) if rows else ((), (), (), ())
    instant = np.array(instants, dtype="datetime64[us]")
    return np.array(ids, dtype=np.str_), instant, np.array(always, bool), np.array(ever, bool)


def _class_of_plan() -> ColumnElement[str]:
    found: ColumnElement[str] = plans.c.definition["message_class"].as_string()
    return found


def _one_draw(wrong: int) -> Check:
    sentence = "the decisions follow one draw"
    if wrong:
        sentence = f"{wrong:,} customers were decided about by another draw, so the secret of the hold-outs has changed"
    return Check("one draw", not wrong, None, sentence)


def _read(secret: Path) -> bytes:
    try:
        return secret.read_bytes()
    except OSError as error:
        raise MeasurementError(
            f"The secret {secret}, which draws the global hold-out, cannot be read ({error.strerror}). Restore it from "
            "a backup."
        ) from error
