"""The files of customers' scores: which part owns which file, and the columns that everyone may rely on."""

import pyarrow as pa

from customer_scores.errors import StagedScoresError

PREFIXES = {
    "predictions": "predictions",
    "tags": "tags",
    "taste": "taste",
    "segments": "segment",
    "audiences": "audience",
    "offers": "offer",
}
"""By part of the customer model: how the names of its files begin."""

PREDICTIONS, TAGS, SEGMENTS = "predictions.parquet", "tags.parquet", "segments.parquet"
HISTORY = "segment_history.parquet"
"""The segment of each customer at every snapshot. A part stages the history that its own rule would have given; the
published history takes those rows only for snapshots that were never published."""

_TEXTS, _NUMBERS = pa.list_(pa.string()), pa.list_(pa.float64())

COLUMNS = {
    PREDICTIONS: {
        "customer_id": pa.string(),
        "lapse_4w": pa.float64(),
        "lapse_8w": pa.float64(),
        "spend_8w": pa.float64(),
        "spend_8w_low": pa.float64(),
        "spend_8w_high": pa.float64(),
        "order_7d": pa.float64(),
        "order_14d": pa.float64(),
        "categories_due": _TEXTS,
        "categories_due_probability": _NUMBERS,
    },
    TAGS: {
        "customer_id": pa.string(),
        "tag": pa.string(),
        "value": pa.string(),
        "confidence": pa.float64(),
        "evidence_rows": pa.int64(),
        "evidence_from": pa.date32(),
        "evidence_until": pa.date32(),
        "held_out_measure": pa.string(),
        "held_out_value": pa.float64(),
        "learned_on": pa.string(),
        "sensitive": pa.bool_(),
    },
    SEGMENTS: {
        "customer_id": pa.string(),
        "axis": pa.string(),
        "segment": pa.string(),
        "label": pa.string(),
        "since": pa.timestamp("us"),
    },
}
"""Columns of the tables that a profile is made of. Further columns are allowed."""


def part_of(file: str) -> str:
    """Return the part that owns a file.

    Raises:
        StagedScoresError: No part's files have such a name.
    """
    for part, prefix in PREFIXES.items():
        if file.startswith(prefix):
            return part
    known = ", ".join(f"{prefix}…" for prefix in PREFIXES.values())
    raise StagedScoresError(
        f"'{file}' belongs to no part of the customer model. Give it a name such as {known}, or list it in "
        "customer_scores/tables.py."
    )


def check_columns(file: str, schema: pa.Schema) -> None:
    """Check that a table has the columns that readers rely on.

    Raises:
        StagedScoresError: A column is missing or of another type; the message names it.
    """
    for column, expected in COLUMNS.get(file, {}).items():
        if column not in schema.names:
            raise StagedScoresError(f"{file} has no column '{column}' ({expected}). Score the customers again.")
        found = schema.field(column).type
        if plain_type(found) != plain_type(expected):
            raise StagedScoresError(
                f"The column '{column}' of {file} is {found}; expected: {expected}. Score the customers again."
            )


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the type without what does not change its values: names of list items, dictionaries, large offsets."""
    if pa.types.is_dictionary(kind):
        return plain_type(kind.value_type)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(plain_type(kind.value_type))
    if pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz)
    return kind
