"""A staged plan of a campaign, in frames small enough to validate; no row names a customer.

Consents, suppressions and past messages are read from the outbox again, so a plan cannot vouch for itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from core.duckdb_engine import quote_literal, read_parquet
from experiments.assignment import experiment_key, hash_numbers
from experiments.identification import sample_ratio
from outbox.history import consents_at, contacts_at, messages_since, suppressions_at
from outbox.plan import ClassPolicy, ContactPolicy
from outbox.store import Store
from quality.frames.engine import frame, one_row

LEVELS = {"departments": "department", "categories": "category", "product_types": "product_type"}
HOLDOUT, MESSAGE, GLOBAL_HOLDOUT = "holdout", "message", "global_holdout"

GLOBAL_KEY = "global hold-out"
"""Names the key of the global hold-out's draw, as `marketing/campaigns/plan/plan.py` does."""


@dataclass(frozen=True)
class StagedPlan:
    """The record of a plan and its decisions.

    Attributes:
        record: the content of `plan.json`.
        decisions: the file of its decisions.
    """

    record: Mapping[str, Any]
    decisions: Path

    @property
    def definition(self) -> Mapping[str, Any]:
        """Return the campaign as it was planned."""
        found: Mapping[str, Any] = self.record["definition"]
        return found

    @property
    def as_of(self) -> datetime:
        """Return the instant of the plan (naive UTC)."""
        return datetime.fromisoformat(self.record["as_of"])

    @property
    def policy(self) -> ContactPolicy:
        """Return the rules under which the plan was made."""
        return ContactPolicy.from_json(self.record["policy"])

    @property
    def rules(self) -> ClassPolicy:
        """Return the rules of the campaign's message class."""
        return self.policy.classes[self.definition["message_class"]]

    @property
    def holdout(self) -> float:
        """Return the share of the hold-out."""
        return float(self.definition["experiment"]["holdout"])


def register(connection: duckdb.DuckDBPyConnection, plan: StagedPlan, store: Store) -> None:
    """Make the views `decision`, `planned`, `consent`, `contact`, `suppression` and `message`."""
    windows = [cap.window for cap in plan.rules.caps]
    since = plan.as_of - max([*windows, timedelta(days=2)])
    tables = {
        "consent": consents_at(store, plan.as_of),
        "contact": contacts_at(store, plan.as_of),
        "suppression": suppressions_at(store, plan.as_of),
        "message": messages_since(store, since, [plan.definition["message_class"]]),
    }
    for name, table in tables.items():
        connection.register(name, table)
    connection.execute(f"CREATE VIEW decision AS SELECT * FROM {read_parquet(plan.decisions)}")
    channel = quote_literal(plan.definition["channel"])
    connection.execute(
        "CREATE TABLE planned AS SELECT decision.*, contact.customer_id IS NOT NULL AS has_address, "
        "CASE WHEN contact.timezone IN (SELECT name FROM pg_timezone_names()) THEN contact.timezone "
        f"ELSE {quote_literal(plan.policy.timezone)} END AS timezone FROM decision "
        f"LEFT JOIN contact ON contact.customer_id = decision.customer_id AND contact.channel = {channel} "
        "WHERE outcome = 'planned'"
    )


def keys(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Return one row for decisions and one for messages: how many are `repeated`."""
    key = "customer_id, trigger, occurrence"
    found = one_row(
        connection,
        f"SELECT (SELECT count(*) FROM decision) - (SELECT count(*) FROM (SELECT DISTINCT {key} FROM decision)), "
        "(SELECT count(*) FROM planned) - (SELECT count(DISTINCT customer_id) FROM planned)",
    )
    return pd.DataFrame({"subject": ["decisions", "messages"], "repeated": list(found)})


def outcomes(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Return one row per outcome: decisions `without_reason`, and `contradicting` ones by message, arm or window."""
    has_message = "subject IS NOT NULL AND body_text IS NOT NULL"
    sound = (
        f"CASE outcome WHEN 'planned' THEN {has_message} AND variant = '{MESSAGE}' AND reason = '' "
        "AND not_before <= not_after "
        f"WHEN 'held_out' THEN NOT ({has_message}) AND variant = '{HOLDOUT}' "
        f"WHEN 'suppressed' THEN NOT ({has_message}) ELSE false END"
    )
    return frame(
        connection,
        "SELECT outcome AS subject, count(*) FILTER (outcome <> 'planned' AND coalesce(reason, '') = '') "
        f"AS without_reason, count(*) FILTER (({sound}) IS NOT TRUE) AS contradicting "
        "FROM decision GROUP BY outcome ORDER BY outcome",
    )


def permissions(connection: duckdb.DuckDBPyConnection, plan: StagedPlan) -> pd.DataFrame:
    """Return one row: planned messages `without_consent`, `without_address`, and those `on_suppression_list`."""
    channel, purpose = (quote_literal(plan.definition[name]) for name in ("channel", "purpose"))
    consent = (
        "customer_id NOT IN (SELECT customer_id FROM consent "
        f"WHERE granted AND channel = {channel} AND purpose = {purpose})"
    )
    return frame(
        connection,
        f"SELECT 'messages' AS subject, count(*) FILTER ({consent if plan.rules.needs_consent else 'false'}) "
        "AS without_consent, count(*) FILTER (NOT has_address) AS without_address, "
        f"count(*) FILTER (customer_id IN (SELECT customer_id FROM suppression WHERE channel IN ({channel}, '*'))) "
        "AS on_suppression_list FROM planned",
    )


def caps(connection: duckdb.DuckDBPyConnection, plan: StagedPlan) -> pd.DataFrame:
    """Return one row per cap of the message class: planned messages `over` it, with those that were sent or wait."""
    rules = plan.rules
    local_day = "(({}) AT TIME ZONE 'UTC' AT TIME ZONE planned.timezone)::DATE"
    conditions = {
        f"{cap.max_messages} in {cap.window / timedelta(days=1):g} days": (
            cap.max_messages,
            f"abs(epoch(message.at) - epoch(planned.not_before)) < {cap.window.total_seconds()}",
        )
        for cap in rules.caps
    }
    if rules.cap_per_day is not None:
        same = f"{local_day.format('message.at')} = {local_day.format('planned.not_before')}"
        conditions[f"{rules.cap_per_day} in a day"] = (rules.cap_per_day, same)
    rows = []
    for name, (most, condition) in conditions.items():
        query = (
            "SELECT count(*) FROM (SELECT planned.customer_id FROM planned JOIN message USING (customer_id) "
            f"WHERE {condition} GROUP BY planned.customer_id HAVING count(*) >= {most})"
        )
        rows.append((name, one_row(connection, query)[0]))
    return pd.DataFrame(rows, columns=["subject", "over"])


def quiet_hours(connection: duckdb.DuckDBPyConnection, plan: StagedPlan) -> pd.DataFrame:
    """Return one row per time zone: messages that may leave in `quiet_hours`."""
    quiet = plan.rules.quiet_hours
    if quiet is None:
        return pd.DataFrame(columns=["subject", "in_quiet_hours"])
    local = "((not_before AT TIME ZONE 'UTC') AT TIME ZONE timezone)::TIME"
    start, end = (f"TIME {quote_literal(value)}" for value in (quiet.start, quiet.end))
    word = "AND" if quiet.start <= quiet.end else "OR"
    return frame(
        connection,
        f"SELECT timezone AS subject, count(*) FILTER ({local} >= {start} {word} {local} < {end}) AS in_quiet_hours "
        "FROM planned GROUP BY timezone ORDER BY timezone",
    )


def budget(connection: duckdb.DuckDBPyConnection, plan: StagedPlan) -> pd.DataFrame:
    """Return one row per limit of the budget that is set: `spent` and `limit`."""
    limits = plan.definition["budget"]
    messages, face_values = one_row(connection, "SELECT count(*), coalesce(sum(face_value), 0)::DOUBLE FROM planned")
    rows = [] if limits["messages"] is None else [("messages", float(messages), float(limits["messages"]))]
    if limits["money"] is not None:
        spent = messages * limits["cost_per_message"] + face_values
        rows.append(("money", round(float(spent), 4), float(limits["money"])))
    return pd.DataFrame(rows, columns=["subject", "spent", "limit"])


def arms(connection: duckdb.DuckDBPyConnection, plan: StagedPlan) -> pd.DataFrame:
    """Return one row: the `p_value` of the arms' sizes, and decisions with a `wrong_propensity`."""
    shares = {HOLDOUT: plan.holdout, MESSAGE: 1 - plan.holdout}
    query = f"SELECT variant, count(*) FROM decision WHERE variant IN ('{HOLDOUT}', '{MESSAGE}') GROUP BY variant"
    counts = dict(connection.execute(query).fetchall())
    expected = (
        f"CASE variant WHEN '{HOLDOUT}' THEN {shares[HOLDOUT]} WHEN '{MESSAGE}' THEN {shares[MESSAGE]} "
        f"WHEN '{GLOBAL_HOLDOUT}' THEN {plan.policy.global_hold_out.share} ELSE 1 END"
    )
    wrong = one_row(
        connection, f"SELECT count(*) FILTER ((abs(propensity - {expected}) < 1e-9) IS NOT TRUE) FROM decision"
    )
    p_value = sample_ratio(counts, shares).p_value if counts else None
    return pd.DataFrame(
        {"subject": ["arms"], "p_value": [1.0 if p_value is None else p_value], "wrong_propensity": list(wrong)}
    )


def global_hold_out(connection: duckdb.DuckDBPyConnection, plan: StagedPlan, secret: Path) -> pd.DataFrame:
    """Return one row: decisions of planned or held-out customers who are `globally_held_out`, drawn again here."""
    held = plan.policy.global_hold_out
    if not held.covers(plan.definition["message_class"]):
        return pd.DataFrame(columns=["subject", "globally_held_out"])
    drawn = connection.execute("SELECT customer_id FROM decision WHERE outcome <> 'suppressed'").fetchall()
    numbers = hash_numbers(experiment_key(secret.read_bytes(), GLOBAL_KEY), [customer_id for (customer_id,) in drawn])
    return pd.DataFrame({"subject": ["customers"], "globally_held_out": [int((numbers < held.share).sum())]})


def restricted(connection: duckdb.DuckDBPyConnection, plan: StagedPlan, products: Path) -> pd.DataFrame:
    """Return one row: planned messages with an `age_restricted` product."""
    if not products.exists():
        return pd.DataFrame(columns=["subject", "age_restricted"])
    described = connection.execute(f"SELECT column_name FROM (DESCRIBE FROM {read_parquet(products)})").fetchall()
    known = {name for (name,) in described}
    conditions = [
        f"lower(trim({column})) GLOB {quote_literal(pattern.lower())}"
        for level, column in LEVELS.items()
        if column in known
        for pattern in plan.record["restricted"][level]
    ]
    barred = f"SELECT product_id FROM {read_parquet(products)} WHERE {' OR '.join(conditions) or 'false'}"
    return frame(
        connection,
        f"WITH barred AS ({barred}) SELECT 'messages' AS subject, count(DISTINCT customer_id) AS age_restricted "
        "FROM (SELECT customer_id, unnest(product_ids) AS product_id FROM planned) SEMI JOIN barred USING (product_id)",
    )
