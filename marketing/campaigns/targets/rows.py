"""Define the rows of targets, in which every trigger and the schedule answer."""

import numpy as np
import pyarrow as pa

TARGETS = pa.schema(
    [
        ("customer_id", pa.string()),
        ("trigger", pa.string()),
        ("occurrence", pa.string()),
        ("probability", pa.float64()),
        ("category", pa.string()),
        ("product_ids", pa.list_(pa.string())),
    ]
)
"""One row per target: `probability` of buying the item or of the trigger, the category that is due, and the products
that the trigger is about."""


def target_rows(
    trigger: str,
    customer_ids: pa.Array | pa.ChunkedArray,
    occurrences: pa.Array | pa.ChunkedArray | str,
    probability: pa.Array | pa.ChunkedArray | None = None,
    category: pa.Array | pa.ChunkedArray | None = None,
    product_ids: pa.Array | pa.ChunkedArray | None = None,
) -> pa.Table:
    """Return rows of `TARGETS`.

    Args:
        trigger: the trigger's type.
        customer_ids: of each target.
        occurrences: of each target, or one for all.
        probability: of each target; empty if there is none.
        category: of each target; empty if there is none.
        product_ids: of each target; empty lists if there are none.
    """
    count = len(customer_ids)
    columns = {
        "customer_id": customer_ids,
        "trigger": pa.repeat(trigger, count),
        "occurrence": pa.repeat(occurrences, count) if isinstance(occurrences, str) else occurrences,
        "probability": probability,
        "category": category,
        "product_ids": empty_lists(count) if product_ids is None else product_ids,
    }
    values = [pa.nulls(count, field.type) if columns[field.name] is None else columns[field.name] for field in TARGETS]
    return pa.table(
        [value.cast(field.type) for value, field in zip(values, TARGETS, strict=True)], schema=TARGETS
    ).combine_chunks()


def empty_lists(count: int) -> pa.Array:
    """Return empty lists of texts, `[count]`."""
    return pa.ListArray.from_arrays(np.zeros(count + 1, np.int32), pa.array([], pa.string()))
