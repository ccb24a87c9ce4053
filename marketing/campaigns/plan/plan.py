"""Plan campaigns: one decision per target, with its reason, arm, propensity and content.

The function is pure: the same scores, campaigns, contacts and instant give the same plan.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from experiments.assignment import assign, experiment_key, hash_numbers
from marketing.campaigns.definition.campaign import Campaign
from marketing.campaigns.definition.file import CampaignFile
from marketing.campaigns.plan.reasons import CODE, Reason, Reasons
from marketing.campaigns.policy.competition import Claim, settle
from marketing.campaigns.policy.contacts import Contacts, decided_since
from marketing.campaigns.policy.timing import Windows, windows
from marketing.campaigns.targets.rows import empty_lists
from outbox.plan import ContactPolicy

HOLDOUT, MESSAGE, NEITHER = "holdout", "message", "none"
GLOBAL_HOLDOUT = "global_holdout"
"""The variant of customers who get no message from any campaign; they are in no campaign's own arms."""

GLOBAL_KEY = "global hold-out"
"""Names the key of that draw; no campaign can have this id."""

PLANNED, HELD_OUT, SUPPRESSED = "planned", "held_out", "suppressed"

DECISIONS = pa.schema(
    [
        ("customer_id", pa.string()),
        ("trigger", pa.string()),
        ("occurrence", pa.string()),
        ("variant", pa.string()),
        ("propensity", pa.float64()),
        ("outcome", pa.string()),
        ("reason", pa.string()),
        ("content", pa.string()),
        ("category", pa.string()),
        ("coupon_id", pa.string()),
        ("face_value", pa.float64()),
        ("is_new", pa.bool_()),
        ("product_ids", pa.list_(pa.string())),
        ("expected_value", pa.float64()),
        ("not_before", pa.timestamp("us")),
        ("not_after", pa.timestamp("us")),
    ]
)


@dataclass(frozen=True)
class Request:
    """One campaign and everything about its targets that the contacts do not decide.

    Attributes:
        file: the campaign.
        targets: `customer_id, trigger, occurrence, category` of targets that were not decided before, by customer.
        content: name of the content of each target, or null.
        product_ids: products of each target, or null without such a slot.
        offers: `slots.OFFERS` of each target, or None without such a slot.
        values: expected value of a message to each target; NaN where it is unknown.
        decided: customer_id, outcome and decided_at of the campaign's earlier decisions.
        decided_before: targets that are left out of `targets`, because they were decided before.
        left_out: sentences about customers that the audience leaves out.
    """

    file: CampaignFile
    targets: pa.Table
    content: pa.Array
    product_ids: pa.Array | None
    offers: pa.Table | None
    values: np.ndarray
    decided: pa.Table
    decided_before: int = 0
    left_out: Sequence[str] = ()

    @property
    def campaign(self) -> Campaign:
        """Return the campaign."""
        return self.file.campaign


@dataclass(frozen=True)
class Planned:
    """The decisions of one campaign before rendering.

    Attributes:
        request: what was planned.
        as_of: the instant of the plan (naive UTC).
        decisions: rows of `DECISIONS`, by customer.
    """

    request: Request
    as_of: datetime
    decisions: pa.Table


def plan_campaigns(
    requests: Sequence[Request], contacts: Contacts, policy: ContactPolicy, as_of: datetime, secret: bytes
) -> list[Planned]:
    """Decide about every target of the campaigns together.

    Args:
        requests: the campaigns; their order has no effect.
        contacts: what is known about contacting customers at `as_of`.
        policy: caps and quiet hours by message class, and the shop's time zone.
        as_of: the instant of the plan (naive UTC).
        secret: from which each campaign's assignment key is made.
    """
    drafts = [_draft(request, contacts, policy, as_of, secret) for request in requests]
    for message_class in sorted({draft.campaign.message_class for draft in drafts}):
        _settle([draft for draft in drafts if draft.campaign.message_class == message_class])
    return [Planned(draft.request, as_of, _decided(draft, secret)) for draft in drafts]


@dataclass(frozen=True)
class _Draft:
    request: Request
    global_share: float
    windows: Windows
    reasons: Reasons
    allowance: np.ndarray

    @property
    def campaign(self) -> Campaign:
        return self.request.campaign

    @property
    def customer_ids(self) -> pa.Array:
        return self.request.targets["customer_id"].combine_chunks()


def _draft(request: Request, contacts: Contacts, policy: ContactPolicy, as_of: datetime, secret: bytes) -> _Draft:
    campaign, ids = request.campaign, request.targets["customer_id"].combine_chunks()
    rules, reasons = policy.classes[campaign.message_class], Reasons(len(ids))
    has_address, zones = contacts.timezones(ids, campaign.channel)
    found = windows(zones, as_of, campaign.schedule, rules.quiet_hours, ZoneInfo(policy.timezone))
    reasons.add(Reason.NO_ADDRESS, ~has_address)
    if rules.needs_consent:
        reasons.add(Reason.NO_CONSENT, ~contacts.has_consent(ids, campaign.channel, campaign.purpose))
    reasons.add(Reason.SUPPRESSION_LIST, contacts.is_suppressed(ids, campaign.channel))
    if campaign.trigger and campaign.trigger.cooldown_days:
        since = as_of - timedelta(days=campaign.trigger.cooldown_days)
        reasons.add(Reason.COOLDOWN, decided_since(request.decided, ids, since))
    reasons.add(Reason.NO_CONTENT, _is_null(request.content))
    if campaign.recommendations and request.product_ids is not None:
        lengths = pc.fill_null(pc.list_value_length(request.product_ids), 0).to_numpy(zero_copy_only=False)
        reasons.add(Reason.NO_PRODUCTS, lengths < campaign.recommendations.least)
    if request.offers is not None:
        reasons.add(Reason.NO_OFFER, _is_null(request.offers["coupon_id"].combine_chunks()))
    reasons.add(Reason.NO_EVIDENCE, np.isnan(request.values))
    reasons.add(Reason.OUT_OF_TIME, np.isnat(found.not_before))
    held = policy.global_hold_out
    if held.covers(campaign.message_class):
        numbers = hash_numbers(experiment_key(secret, GLOBAL_KEY), ids.to_pylist())
        reasons.add(Reason.GLOBAL_HOLD_OUT, numbers < held.share)
    return _Draft(request, held.share, found, reasons, contacts.allowance(ids, campaign.message_class, rules, found))


def _settle(drafts: Sequence[_Draft]) -> None:
    """Apply caps and budgets to the campaigns of one message class."""
    together = pa.concat_arrays([draft.customer_ids for draft in drafts]).dictionary_encode()
    numbers = together.indices.to_numpy()
    claims, first = [], 0
    for draft in drafts:
        count = len(draft.allowance)
        customers = numbers[first : first + count]
        claims.append(Claim(draft.campaign.id, customers, draft.request.values, draft.allowance, draft.reasons))
        first += count
    settle(claims)
    for draft in drafts:
        _apply_budget(draft)


def _apply_budget(draft: _Draft) -> None:
    """Keep the targets of the highest expected value that the budget pays for; held-out ones count as if they cost."""
    budget, reasons = draft.campaign.budget, draft.reasons
    rows = np.flatnonzero(reasons.is_open)
    rows = rows[np.argsort(-draft.request.values[rows], kind="stable")]
    kept = len(rows)
    if budget.messages is not None:
        kept = min(kept, budget.messages)
    if budget.money is not None:
        costs = np.full(len(rows), budget.cost_per_message)
        if draft.request.offers is not None:
            face_values = draft.request.offers["face_value"].to_numpy(zero_copy_only=False)
            costs += np.nan_to_num(face_values.astype(np.float64))[rows]
        kept = min(kept, int(np.searchsorted(np.cumsum(costs), budget.money + 1e-9, side="right")))
    beyond = np.zeros(len(reasons.codes), bool)
    beyond[rows[kept:]] = True
    reasons.add(Reason.BUDGET, beyond)


def _decided(draft: _Draft, secret: bytes) -> pa.Table:
    """Draw the hold-out among the customers who are eligible after everything else, and return the decisions."""
    request, reasons = draft.request, draft.reasons
    count, share = len(reasons.codes), draft.campaign.experiment.holdout
    rows = np.flatnonzero(reasons.is_open)
    variant, propensity = np.full(count, NEITHER, object), np.ones(count)
    is_global = reasons.codes == CODE[Reason.GLOBAL_HOLD_OUT]
    variant[is_global], propensity[is_global] = GLOBAL_HOLDOUT, draft.global_share
    ids = draft.customer_ids.take(pa.array(rows)).to_pylist()
    arms = assign(experiment_key(secret, draft.campaign.id), ids, {HOLDOUT: share, MESSAGE: 1 - share})
    variant[rows] = arms
    propensity[rows] = np.where(arms == HOLDOUT, share, 1 - share)
    is_held = variant == HOLDOUT
    reasons.add(Reason.HOLDOUT, is_held)
    outcome = np.where(is_held, HELD_OUT, np.where(reasons.is_open, PLANNED, SUPPRESSED))
    offers = request.offers
    none = {name: pa.nulls(count, DECISIONS.field(name).type) for name in ("coupon_id", "face_value", "is_new")}
    columns = {
        **{name: request.targets[name] for name in ("customer_id", "trigger", "occurrence", "category")},
        "variant": pa.array(variant, pa.string()),
        "propensity": propensity,
        "outcome": pa.array(outcome.tolist(), pa.string()),
        "reason": reasons.texts(),
        "content": request.content,
        **({name: offers[name] for name in none} if offers is not None else none),
        "product_ids": request.product_ids if request.product_ids is not None else empty_lists(count),
        "expected_value": np.nan_to_num(request.values),
        "not_before": draft.windows.not_before,
        "not_after": draft.windows.not_after,
    }
    return pa.table([_plain(columns[field.name], field.type) for field in DECISIONS], schema=DECISIONS)


def _plain(values: object, kind: pa.DataType) -> pa.Array:
    if isinstance(values, np.ndarray):
        return pa.array(values, kind)
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _is_null(values: pa.Array) -> np.ndarray:
    return np.asarray(pc.is_null(values).to_numpy(zero_copy_only=False), bool)
