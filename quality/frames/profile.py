"""Profile the values of a table's features: one row per feature, read column by column."""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_ROWS_AT_ONCE = 5_000


@dataclass(frozen=True)
class FeatureRules:
    """The values that a feature may have, by its name, which may include its view: `product_activity__price`.

    Attributes:
        texts: Features that are text; all others are numbers.
        signed: Numbers that may be negative.
        shares: Numbers between 0 and 1.
    """

    texts: frozenset[str]
    signed: frozenset[str]
    shares: frozenset[str]

    def floor(self, name: str) -> float:
        """Return the smallest allowed value of a feature."""
        return -float("inf") if name in self.signed else 0.0

    def ceiling(self, name: str) -> float:
        """Return the largest allowed value of a feature."""
        return 1.0 if name in self.shares else float("inf")


def profile(path: Path, keys: Collection[str], rules: FeatureRules) -> pd.DataFrame:
    """Return one row per column that is not a key.

    Columns: `subject` file.column; `type_fits`; `missing` values or elements; `not_finite` numbers (NaN, infinite);
    `lowest` and `highest` finite number, NaN for text; `floor` and `ceiling`, the allowed range; `is_zero`, whether all
    numbers are zero.
    """
    file = pq.ParquetFile(path)
    rows = [
        _feature(file, field, f"{path.stem}.{field.name}", rules)
        for field in file.schema_arrow
        if field.name not in keys
    ]
    return pd.DataFrame(
        rows,
        columns=[
            "subject",
            "type_fits",
            "missing",
            "not_finite",
            "lowest",
            "highest",
            "floor",
            "ceiling",
            "is_zero",
        ],
    )


def _feature(file: pq.ParquetFile, field: pa.Field, subject: str, rules: FeatureRules) -> tuple[object, ...]:
    name = field.name.split("__")[-1]
    kind = field.type.value_type if pa.types.is_list(field.type) else field.type
    is_number = pa.types.is_floating(kind) or pa.types.is_integer(kind)
    fits = pa.types.is_string(kind) or pa.types.is_large_string(kind) if name in rules.texts else is_number
    missing, not_finite, lowest, highest = 0, 0, float("inf"), -float("inf")
    for values, gaps in _batches(file, field):
        missing += gaps
        if is_number and len(values):
            if not math.isfinite(pc.sum(values).as_py()):  # one pass in the usual case, which is that all are
                finite = pc.is_finite(values)
                not_finite += len(values) - pc.sum(finite).as_py()
                values = values.filter(finite)
            found = pc.min_max(values)
            if found["min"].as_py() is not None:
                lowest, highest = min(lowest, found["min"].as_py()), max(highest, found["max"].as_py())
    seen = lowest <= highest
    nothing = float("nan")
    return (
        subject,
        fits,
        missing,
        not_finite,
        lowest if seen else nothing,
        highest if seen else nothing,
        rules.floor(name),
        rules.ceiling(name),
        seen and lowest == 0 and highest == 0,
    )


def _batches(file: pq.ParquetFile, field: pa.Field) -> Iterator[tuple[pa.Array, int]]:
    """Yield the column's values, lists flattened, and the number of missing values, a few thousand rows at a time."""
    for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=[field.name]):
        column = batch.column(0)
        gaps = column.null_count
        if pa.types.is_list(field.type):
            column = column.flatten()
            gaps += column.null_count
        yield column.drop_null(), gaps
