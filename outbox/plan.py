"""Define what a campaign hands over: a plan with one decision per eligible customer.

All instants are naive UTC. A plan is data: nothing here reads the clock or the store.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, Literal

Outcome = Literal["planned", "held_out", "suppressed"]
Delivery = Literal["smtp", "webhook", "export"]

UNSUBSCRIBE_URL = "https://unsubscribe.invalid/"
"""Stands in a body where the sender puts the customer's own unsubscribe address."""

MESSAGE_ID = "message-id.invalid"
"""Stands in a body where the sender puts the message's id, so that a click on a link can name its message."""


@dataclass(frozen=True)
class Content:
    """A rendered message.

    Attributes:
        subject: one line.
        body_text: plain text; `UNSUBSCRIBE_URL` in it becomes the customer's unsubscribe address, and `MESSAGE_ID` the
            message's id.
        body_html: the same as HTML, or None for plain text only.
    """

    subject: str
    body_text: str
    body_html: str | None = None

    @property
    def content_hash(self) -> str:
        """Return the SHA-256 of subject and bodies, as 64 hexadecimal digits."""
        return hashlib.sha256(json.dumps([self.subject, self.body_text, self.body_html]).encode()).hexdigest()


@dataclass(frozen=True)
class Message:
    """A message to a planned customer, and when it may leave.

    Attributes:
        message_class: a key of the policy, such as 'promotion'; frequency caps count per class.
        purpose: what the customer consented to, such as 'marketing'.
        channel: how the customer is reached: 'email', 'sms', …; consents and addresses are per channel.
        delivery: who delivers: an SMTP server, a webhook, or a file for another tool.
        content: the rendered message.
        not_before: first instant at which the message may leave.
        not_after: last instant; a message still waiting then is suppressed with the reason it waited for.
    """

    message_class: str
    purpose: str
    channel: str
    content: Content
    not_before: datetime
    not_after: datetime
    delivery: Delivery = "smtp"


@dataclass(frozen=True)
class Decision:
    """The decision about one eligible customer; the hold-out has one too.

    Attributes:
        customer_id: the customer.
        trigger: what made the customer eligible, such as 'lapse' or 'campaign'.
        occurrence: which time this was, such as 'lapse:2026-11-23'; with customer and trigger it is unique, for ever.
        variant: the arm that the customer was assigned to.
        propensity: probability of this variant under the assignment, in (0, 1].
        outcome: 'planned' needs a message; 'held_out' and 'suppressed' have none.
        reason: the reason for which no message is sent; empty if planned.
        segment: the segment that chose the content, or None.
        content: name of the content that is, or would have been, shown.
        coupon_id: the coupon that is, or would have been, shown.
        product_ids: the products that are, or would have been, shown.
        expected_value: in the shop's currency; of two waiting messages to one customer the larger value goes first.
        message: the message, if planned.
    """

    customer_id: str
    trigger: str
    occurrence: str
    variant: str
    propensity: float
    outcome: Outcome
    reason: str = ""
    segment: str | None = None
    content: str | None = None
    coupon_id: str | None = None
    product_ids: tuple[str, ...] = ()
    expected_value: float = 0.0
    message: Message | None = None

    @property
    def is_holdout(self) -> bool:
        """Whether the customer was held out."""
        return self.outcome == "held_out"


@dataclass(frozen=True)
class FrequencyCap:
    """At most `max_messages` of a class to one customer within any `window`."""

    max_messages: int
    window: timedelta


@dataclass(frozen=True)
class QuietHours:
    """Local times of the customer between which nothing is sent; `start` after `end` spans midnight."""

    start: time
    end: time


@dataclass(frozen=True)
class ClassPolicy:
    """The rules of one message class.

    Attributes:
        caps: rolling windows; all must allow a message.
        cap_per_day: messages per calendar day of the customer; the store's schema enforces it, too.
        quiet_hours: when nothing is sent.
        needs_consent: False for transactional messages that a contract requires; True for everything else.
    """

    caps: tuple[FrequencyCap, ...] = ()
    cap_per_day: int | None = None
    quiet_hours: QuietHours | None = None
    needs_consent: bool = True


@dataclass(frozen=True)
class GlobalHoldOut:
    """The customers who get no message of some classes, from no campaign.

    Attributes:
        share: of all customers; a larger share also holds out everybody of a smaller one.
        classes: the message classes.
    """

    share: float = 0.0
    classes: tuple[str, ...] = ()

    def covers(self, message_class: str) -> bool:
        """Whether some customers get no message of a class."""
        return self.share > 0 and message_class in self.classes


@dataclass(frozen=True)
class ContactPolicy:
    """The rules that the sender applies to the messages of a plan.

    Attributes:
        classes: the rules by message class.
        timezone: zone of customers whose own zone is unknown.
        global_hold_out: the customers who get no message from any campaign.
    """

    classes: Mapping[str, ClassPolicy]
    timezone: str = "UTC"
    global_hold_out: GlobalHoldOut = GlobalHoldOut()

    def to_json(self) -> dict[str, Any]:
        """Return the policy as JSON values; windows in seconds, times as HH:MM:SS."""
        return json.loads(json.dumps(asdict(self), default=_json_value))  # type: ignore[no-any-return]

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "ContactPolicy":
        """Return the policy that `to_json` wrote."""
        held = value.get("global_hold_out") or {"share": 0.0, "classes": ()}
        return cls(
            {name: _class_policy(rules) for name, rules in value["classes"].items()},
            value["timezone"],
            GlobalHoldOut(held["share"], tuple(held["classes"])),
        )


@dataclass(frozen=True)
class Plan:
    """The decisions of one run of a campaign.

    Attributes:
        plan_id: unique; planning the same again uses the same id.
        campaign_id: the campaign.
        campaign_version: its version; an edited campaign has a new one, and the old plan stands.
        definition: the campaign's definition as JSON values, kept with the plan.
        as_of: data known before this instant was used.
        planned_at: when the plan was made.
        policy: the rules that hold when its messages are sent.
        decisions: one per customer and occurrence. They are read twice, to be checked before any is stored, so this is
            a collection, or an object that reads them from a file each time; not a generator.
    """

    plan_id: str
    campaign_id: str
    campaign_version: str
    definition: Mapping[str, Any]
    as_of: datetime
    planned_at: datetime
    policy: ContactPolicy
    decisions: Iterable[Decision] = field(repr=False)


def _json_value(value: object) -> object:
    return value.total_seconds() if isinstance(value, timedelta) else str(value)


def _class_policy(rules: Mapping[str, Any]) -> ClassPolicy:
    quiet = rules["quiet_hours"]
    return ClassPolicy(
        tuple(FrequencyCap(cap["max_messages"], timedelta(seconds=cap["window"])) for cap in rules["caps"]),
        rules["cap_per_day"],
        QuietHours(time.fromisoformat(quiet["start"]), time.fromisoformat(quiet["end"])) if quiet else None,
        rules["needs_consent"],
    )
