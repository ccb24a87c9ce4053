"""Make up customers for a bundle: feature tables that belong to no person, and the scores that the bundle gave.

Every value is drawn from another customer's row, and every element of a list from another customer's list. A bundle
therefore contains no customer's history, while its values are as real as those of the tables.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.files.bundle import BundleError
from ml.customers.inputs import Inputs

GOLDEN = "golden"
FEATURES, SCORES, INPUTS = "features", "scores", "inputs.json"
CUSTOMERS = 12
SAMPLE = 200
"""How many customers the made-up ones are drawn from."""
LIST_LENGTH = 24
TOLERANCE = 1e-6
CUSTOMER, PRODUCT, EVENT_TIME = "customer_id", "product_id", "event_timestamp"

Score = Callable[[Inputs, Path], None]


def write_golden(folder: Path, inputs: Inputs, score: Score) -> None:
    """Write tables of made-up customers and their scores into a new folder.

    Args:
        folder: the folder to make.
        inputs: the tables to draw from.
        score: writes the tables of scores into a folder.
    """
    features = folder / FEATURES
    features.mkdir(parents=True)
    rng = np.random.default_rng(inputs.seed)
    products: set[str] = set()
    files = sorted(inputs.features.glob("*.parquet"))
    by_customer = [file for file in files if CUSTOMER in pq.read_schema(file).names]
    sample = _sample(by_customer, rng)
    for file in by_customer:
        # The rows of one snapshot after another, from a table that is read once.
        real = pq.read_table(file, filters=[(CUSTOMER, "in", sample)])
        table = pa.concat_tables(_made_up(real, instant, rng) for instant in inputs.instants)
        pq.write_table(table, features / file.name)
        if "product_ids" in table.column_names:
            products |= set(pc.list_flatten(table["product_ids"]).to_pylist())
    for file in sorted(set(files) - set(by_customer)):
        filters = [(PRODUCT, "in", sorted(products))] if PRODUCT in pq.read_schema(file).names else None
        pq.write_table(pq.read_table(file, filters=filters), features / file.name)
    asked = {"instants": [instant.isoformat() for instant in inputs.instants], "seed": inputs.seed}
    (folder / INPUTS).write_text(json.dumps(asked))
    (folder / SCORES).mkdir()
    with TemporaryDirectory(dir=folder.parent) as scratch:
        score(replace(inputs, features=features, scratch=Path(scratch), purposes=None), folder / SCORES)


def check_golden(folder: Path, version: str, score: Score) -> None:
    """Score the made-up customers again and compare.

    Raises:
        BundleError: a table has other rows; the message names the table.
    """
    asked = json.loads((folder / INPUTS).read_text())
    instants = [datetime.fromisoformat(instant) for instant in asked["instants"]]
    with TemporaryDirectory() as scratch:
        again = Path(scratch) / SCORES
        again.mkdir()
        score(Inputs(folder / FEATURES, instants, asked["seed"], scratch=Path(scratch)), again)
        for file in sorted((folder / SCORES).iterdir()):
            found = again / file.name
            if not found.is_file() or not _equal(file, found):
                raise BundleError(
                    f"Bundle {version} scores its golden customers differently in {file.name}. Do not deploy it."
                )


def _sample(files: Sequence[Path], rng: np.random.Generator) -> list[str]:
    """Return the real customers from whose values made-up ones are drawn."""
    known = np.array(sorted({name for file in files for name in _customers(file)}))
    return sorted(rng.choice(known, min(SAMPLE, len(known)), replace=False).tolist()) if len(known) else []


def _customers(file: Path) -> list[str]:
    found: list[str] = pc.unique(pq.read_table(file, columns=[CUSTOMER])[CUSTOMER]).to_pylist()
    return found


def _made_up(real: pa.Table, instant: datetime, rng: np.random.Generator) -> pa.Table:
    """Return rows of customers who do not exist, drawn column by column from a table's rows of one snapshot."""
    table = real.filter(pc.equal(real[EVENT_TIME], pa.scalar(instant, real.schema.field(EVENT_TIME).type)))
    count = CUSTOMERS if len(table) else 0
    lists = [name for name in table.column_names if pa.types.is_list(table.schema.field(name).type)]
    columns: dict[str, pa.Array | pa.ChunkedArray] = {}
    for name in table.column_names:
        if name == CUSTOMER:
            columns[name] = pa.array([f"golden-{number:02}" for number in range(count)], pa.string())
        elif name not in lists:
            columns[name] = table[name].take(pa.array(rng.integers(0, max(len(table), 1), count)))
    columns |= _made_up_lists(table.select(lists), count, rng) if lists else {}
    return pa.table({name: columns[name] for name in table.column_names}, schema=table.schema)


def _made_up_lists(lists: pa.Table, count: int, rng: np.random.Generator) -> dict[str, pa.Array]:
    """Return aligned lists whose elements come from many customers; the first column has no element twice in a list."""
    elements = {name: pc.list_flatten(lists[name]).combine_chunks() for name in lists.column_names}
    first, total = next(iter(elements.values())), min(len(values) for values in elements.values())
    drawn: list[np.ndarray] = []
    for _ in range(count):
        picked = rng.integers(0, total, LIST_LENGTH) if total else np.array([], dtype=np.int64)
        names = first.take(pa.array(picked)).to_numpy(zero_copy_only=False).astype(str)
        unique = np.unique(names, return_index=True)[1]
        drawn.append(np.sort(picked[unique]))
    offsets = np.concatenate([[0], np.cumsum([len(picked) for picked in drawn])]).astype(np.int32)
    indices = pa.array(np.concatenate(drawn) if drawn else np.array([], dtype=np.int64))
    return {
        name: pa.ListArray.from_arrays(pa.array(offsets), values.take(indices)).cast(lists.schema.field(name).type)
        for name, values in elements.items()
    }


def _equal(file: Path, other: Path) -> bool:
    """Return whether two files hold the same rows, numbers up to TOLERANCE; other formats must be the same bytes."""
    if file.suffix not in (".parquet", ".arrow"):
        return file.read_bytes() == other.read_bytes()
    left, right = _read(file), _read(other)
    if left.schema != right.schema or len(left) != len(right):
        return False
    return all(_equal_columns(left[name].combine_chunks(), right[name].combine_chunks()) for name in left.column_names)


def _read(file: Path) -> pa.Table:
    if file.suffix == ".parquet":
        return pq.read_table(file)
    with pa.memory_map(str(file)) as source:
        return pa.ipc.open_file(source).read_all()


def _equal_columns(left: pa.Array, right: pa.Array) -> bool:
    if pa.types.is_list(left.type):
        return bool(left.offsets.equals(right.offsets)) and _equal_columns(left.flatten(), right.flatten())
    if pa.types.is_floating(left.type):
        one, other = left.to_numpy(zero_copy_only=False), right.to_numpy(zero_copy_only=False)
        return bool(np.allclose(one, other, atol=TOLERANCE, rtol=TOLERANCE, equal_nan=True))
    return bool(left.equals(right))
