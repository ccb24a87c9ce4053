"""Declare the tables of the store; constraints exclude what must never happen, in every program that writes.

| constraint | excludes |
|---|---|
| messages unique (customer_id, trigger, occurrence) | a second message for one occurrence |
| messages -> decisions (…, outcome = 'planned') | a message to a held-out or suppressed customer |
| messages unique (customer_id, message_class, local_day, day_slot), day_slot < cap_per_day | more than a day's cap |
| reason not empty unless sent or exported | a message that stays unsent without a reason |
"""

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
)

SCHEMA_VERSION = 2

EVERY_CHANNEL = "*"
"""A suppression of this channel covers all channels."""

HARD_BOUNCE = "hard_bounce"
"""The reason of a suppression that ends with a newer address."""

STATES = ("planned", "sending", "sent", "exported", "failed", "refused", "in_doubt", "suppressed")
DELIVERED = ("sending", "sent", "exported", "in_doubt")
"""States in which the customer has, or may have, the message: these count towards frequency caps."""

metadata = MetaData()

schema_version = Table("schema_version", metadata, Column("version", Integer, primary_key=True))

controls = Table(
    "controls",
    metadata,
    Column("name", String, primary_key=True),
    Column("reason", String, nullable=False),
    Column("since", DateTime, nullable=False),
)
"""Switches that are on; 'pause' stops every sender before its next message."""

consents = Table(
    "consents",
    metadata,
    Column("consent_id", Integer, primary_key=True),
    Column("customer_id", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("purpose", String, nullable=False),
    Column("granted", Boolean, nullable=False),
    Column("since", DateTime, nullable=False),
    Column("source", String, nullable=False),
    UniqueConstraint("customer_id", "channel", "purpose", "since", "granted"),
)

contacts = Table(
    "contacts",
    metadata,
    Column("customer_id", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("address", String, nullable=False),
    Column("timezone", String),
    Column("updated_at", DateTime, nullable=False),
    PrimaryKeyConstraint("customer_id", "channel"),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("customer_id", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("since", DateTime, nullable=False),
    PrimaryKeyConstraint("customer_id", "channel", "reason"),
)

plans = Table(
    "plans",
    metadata,
    Column("plan_id", String, primary_key=True),
    Column("campaign_id", String, nullable=False),
    Column("campaign_version", String, nullable=False),
    Column("definition", JSON, nullable=False),
    Column("policy", JSON, nullable=False),
    Column("as_of", DateTime, nullable=False),
    Column("planned_at", DateTime, nullable=False),
    Column("planned", Integer, nullable=False, default=0),
    Column("held_out", Integer, nullable=False, default=0),
    Column("suppressed", Integer, nullable=False, default=0),
    Column("owner", String),
)
"""`owner` is the process that still stores a plan's decisions; null once all are stored and its messages may leave."""

decisions = Table(
    "decisions",
    metadata,
    Column("customer_id", String, nullable=False),
    Column("campaign_id", String, nullable=False),
    Column("trigger", String, nullable=False),
    Column("occurrence", String, nullable=False),
    Column("plan_id", String, ForeignKey("plans.plan_id"), nullable=False),
    Column("variant", String, nullable=False),
    Column("propensity", Float, nullable=False),
    Column("is_holdout", Boolean, nullable=False),
    Column("outcome", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("segment", String),
    Column("content", String),
    Column("coupon_id", String),
    Column("product_ids", JSON, nullable=False),
    Column("expected_value", Float, nullable=False),
    Column("decided_at", DateTime, nullable=False),
    PrimaryKeyConstraint("customer_id", "campaign_id", "trigger", "occurrence"),
    UniqueConstraint("customer_id", "campaign_id", "trigger", "occurrence", "outcome"),
    CheckConstraint("outcome IN ('planned', 'held_out', 'suppressed')", name="known_outcome"),
    CheckConstraint("outcome = 'planned' OR reason <> ''", name="reason_of_decision"),
    CheckConstraint("propensity > 0 AND propensity <= 1", name="propensity_range"),
)

contents = Table(
    "contents",
    metadata,
    Column("content_hash", String, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("body_text", Text, nullable=False),
    Column("body_html", Text),
)
"""Rendered content, stored once for all messages that share it."""

messages = Table(
    "messages",
    metadata,
    Column("message_id", String, primary_key=True),
    Column("plan_id", String, ForeignKey("plans.plan_id"), nullable=False),
    Column("customer_id", String, nullable=False),
    Column("campaign_id", String, nullable=False),
    Column("trigger", String, nullable=False),
    Column("occurrence", String, nullable=False),
    Column("outcome", String, nullable=False, default="planned"),
    Column("variant", String, nullable=False),
    Column("message_class", String, nullable=False),
    Column("purpose", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("delivery", String, nullable=False),
    Column("content_hash", String, ForeignKey("contents.content_hash")),
    Column("expected_value", Float, nullable=False),
    Column("not_before", DateTime, nullable=False),
    Column("not_after", DateTime, nullable=False),
    Column("due_at", DateTime, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("detail", String, nullable=False, default=""),
    Column("owner", String),
    Column("attempts", Integer, nullable=False, default=0),
    Column("planned_at", DateTime, nullable=False),
    Column("sending_at", DateTime),
    Column("settled_at", DateTime),
    Column("local_day", Date),
    Column("day_slot", Integer),
    Column("cap_per_day", Integer),
    UniqueConstraint("customer_id", "trigger", "occurrence"),
    UniqueConstraint("customer_id", "message_class", "local_day", "day_slot"),
    # An erasure renames the customer in both tables.
    ForeignKeyConstraint(
        ["customer_id", "campaign_id", "trigger", "occurrence", "outcome"],
        [f"decisions.{name}" for name in ("customer_id", "campaign_id", "trigger", "occurrence", "outcome")],
        onupdate="CASCADE",
    ),
    CheckConstraint("outcome = 'planned'", name="message_was_planned"),
    CheckConstraint(f"state IN {STATES}", name="known_state"),
    CheckConstraint("state IN ('sent', 'exported') OR reason <> ''", name="reason_of_message"),
    CheckConstraint("state <> 'sending' OR owner IS NOT NULL", name="owner_of_sending"),
    CheckConstraint("day_slot >= 0 AND day_slot < cap_per_day", name="daily_cap"),
    CheckConstraint("not_before <= not_after", name="window_of_message"),
    Index("messages_plan", "plan_id"),
    Index("messages_content", "content_hash"),
)

WAITING = messages.c.state == literal_column("'planned'")
UNDER_WAY = messages.c.state == literal_column("'sending'")
"""Conditions that the two indexes below serve; a state as a parameter would not be matched with a partial index.

They hold only the messages that a sender looks for, so the next one costs the same however many were sent."""

INCOMPLETE = plans.c.owner.is_not(None)

for _index, _condition in (
    (Index("plans_incomplete", plans.c.plan_id), INCOMPLETE),
    (Index("messages_due", messages.c.delivery, messages.c.due_at, messages.c.message_id), WAITING),
    (Index("messages_under_way", messages.c.owner), UNDER_WAY),
):
    for _dialect in ("sqlite", "postgresql"):
        _index.dialect_options[_dialect]["where"] = _condition
