"""The published table of tags: one row per customer and tag."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.special import expit

from core.duckdb_engine import quote_identifier
from ml.customers.inputs import Inputs
from ml.customers.tags.kinds import GIVEN, GivenField, Statement
from ml.customers.tags.known import Profiles
from ml.customers.tags.shares import shares_query

TABLE = "tags.parquet"
AUC = "AUC on hidden customers"

SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("tag", pa.string()),
        ("value", pa.string()),
        ("confidence", pa.float64()),
        ("evidence_rows", pa.int64()),
        ("evidence_from", pa.date32()),
        ("evidence_until", pa.date32()),
        ("held_out_measure", pa.string()),
        ("held_out_value", pa.float64()),
        ("learned_on", pa.string()),
        ("sensitive", pa.bool_()),
    ]
)


def rows(
    tags: str | Sequence[str],
    customer_ids: Sequence[str],
    values: Sequence[str],
    confidence: np.ndarray,
    evidence_rows: np.ndarray,
    evidence_from: Sequence[date],
    evidence_until: Sequence[date],
    held_out: tuple[str, float | None],
    learned_on: str | Sequence[str],
    sensitive: bool,
) -> pa.Table:
    """Return rows of one tag, or of several; a single value holds for all of them.

    Args:
        tags: the tag of each row.
        customer_ids: sorted.
        values: the value of each tag.
        confidence: float `[n]`, between 0 and 1.
        evidence_rows: how many rows it rests on, `[n]`.
        evidence_from: day of the first row.
        evidence_until: day of the last.
        held_out: a measure and its value on customers or months that were held out.
        learned_on: whose data it comes from.
        sensitive: whether it needs a purpose.
    """
    count = len(customer_ids)

    def column(values: Any) -> Sequence[Any]:
        return [values] * count if isinstance(values, str | float | bool) or values is None else values

    columns = [
        customer_ids,
        column(tags),
        values,
        confidence,
        evidence_rows.astype(np.int64),
        evidence_from,
        evidence_until,
        column(held_out[0]),
        column(held_out[1]),
        column(learned_on),
        column(sensitive),
    ]
    return pa.table(
        [pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
    )


def days_before(now: datetime, days: Iterable[float]) -> list[date]:
    """Return the shop's day that lies some days before a snapshot, for each number of days.

    Args:
        now: the snapshot, naive UTC: a midnight of the shop, so half a day later it is the same day in UTC.
        days: fractional days before it.
    """
    today = (now + timedelta(hours=12)).date()
    return [today - timedelta(days=math.ceil(number)) for number in days]


def write(published: Path, tables: Sequence[pa.Table]) -> None:
    """Write the tables as one, sorted by customer and tag."""
    table = pa.concat_tables([SCHEMA.empty_table(), *tables])
    pq.write_table(table.sort_by([("customer_id", "ascending"), ("tag", "ascending")]), published / TABLE)


def known_rows(inputs: Inputs, profiles: Profiles, statement: Statement) -> pa.Table:
    """Return a statement about the customers who gave the field: certain, because they gave it."""
    answers = profiles.answers(statement)
    indices = [index for index, answer in enumerate(answers) if answer is not None]
    values = ["yes" if answers[index] else "no" for index in indices]
    return _given(inputs, profiles, statement.name, indices, values, sensitive=True)


def given_rows(inputs: Inputs, profiles: Profiles, given: GivenField) -> pa.Table:
    """Return a field as a tag of the customers who gave it."""
    values = profiles.fields[given.column]
    indices = [index for index, value in enumerate(values) if value]
    return _given(inputs, profiles, given.name, indices, [values[index] for index in indices], bool(given.sensitive))


def learned_rows(
    inputs: Inputs, profiles: Profiles, statement: Statement, log_odds: np.ndarray, model: Mapping[str, Any]
) -> pa.Table:
    """Return a statement about the customers who did not give the field and have enough baskets.

    The confidence is the probability of the value that is published.

    Args:
        inputs: the newest snapshot.
        profiles: its customers.
        statement: one that met its bar.
        log_odds: of each customer, `[customers]`.
        model: the AUC and a description of the customers that it was learned on.
    """
    unknown = np.array([answer is None for answer in profiles.answers(statement)], dtype=bool)
    indices = np.flatnonzero(unknown & profiles.is_scored)
    probability = expit(log_odds[indices])
    is_true = probability >= 0.5
    return rows(
        statement.name,
        [profiles.ids[index] for index in indices],
        ["yes" if each else "no" for each in is_true],
        np.where(is_true, probability, 1 - probability),
        profiles.baskets[indices],
        days_before(inputs.now, profiles.since_first[indices]),
        days_before(inputs.now, profiles.since_last[indices]),
        (AUC, model["auc"]),
        model["learned_on"],
        sensitive=True,
    )


def log_odds_of(
    inputs: Inputs, profiles: Profiles, arrays: Mapping[str, np.ndarray], intercepts: Mapping[str, float]
) -> dict[str, np.ndarray]:
    """Return the log odds of each statement for every customer; the sums over shares are made in the database.

    Products are rounded to 2^-40, so that sums are the same in any order.

    Args:
        inputs: the newest snapshot.
        profiles: its customers.
        arrays: names, means, scales and coefficients of the shares.
        intercepts: by statement, the log odds of a customer with mean shares.
    """
    if not intercepts:
        return {}
    weights = {name: arrays[f"coefficients_{name}"] / arrays["scale"] for name in intercepts}
    columns = {f"weight_{name}": values for name, values in weights.items()}
    table = pa.table({"kind": arrays["kinds"].tolist(), "name": arrays["names"].tolist()} | columns)
    sums = ", ".join(
        f"sum(CAST(round(share * {quote_identifier(column)} * {2**40}) AS BIGINT))::DOUBLE / {2**40}"
        f" AS {quote_identifier(column)}"
        for column in columns
    )
    with inputs.connect() as connection:
        connection.register("weights", table)
        found = connection.execute(
            f"SELECT customer_id, {sums} FROM ({shares_query(inputs)}) JOIN weights USING (kind, name)"
            " GROUP BY customer_id"
        ).fetchnumpy()
    row_of = {customer: row for row, customer in enumerate(profiles.ids)}
    rows_of = np.array([row_of[customer] for customer in found["customer_id"]], dtype=int)
    result = {}
    for name, intercept in intercepts.items():
        totals = np.zeros(len(profiles.ids))
        totals[rows_of] = found[f"weight_{name}"]
        result[name] = intercept - float(weights[name] @ arrays["mean"]) + totals
    return result


def _given(
    inputs: Inputs, profiles: Profiles, tag: str, indices: list[int], values: list[str], sensitive: bool
) -> pa.Table:
    """Return rows whose evidence is the customer's record, as it was on the day of the snapshot."""
    today = days_before(inputs.now, [0.0] * len(indices))
    return rows(
        tag,
        [profiles.ids[index] for index in indices],
        values,
        np.ones(len(indices)),
        np.ones(len(indices)),
        today,
        today,
        ("", None),
        GIVEN,
        sensitive,
    )
