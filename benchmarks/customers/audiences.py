"""Measure an audience over many customers: wall time, CPU time, and its ratio to a plain numpy sort of as many numbers.

The customers are synthetic: each product was bought by a tenth, its category by half. The last line is one
JSON object with the median CPU times by number of customers, which other programs disturb less.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from marketing.audience.audience import Limits, audience
from marketing.audience.index import BUYER_COLUMNS, BUYERS, CUSTOMER_COLUMNS, CUSTOMERS, ITEMS, AudienceIndex
from marketing.audience.inputs import NEW_INPUTS, PAST_INPUTS
from marketing.audience.question import category_items, product_items
from marketing.audience.scorers import NEW, PAST, AudienceModel, Scorer

TASTE_WIDTH = 32
PRODUCTS = 20
REPEATS = 15


def write_index(folder: Path, customers: int, seed: int) -> None:
    """Write an index of synthetic customers with one department, one category and `PRODUCTS` products."""
    rng = np.random.default_rng(seed)
    columns = {name: rng.gamma(1.0, 20.0, customers).astype(np.float32) for name in CUSTOMER_COLUMNS}
    taste = rng.normal(size=(customers, TASTE_WIDTH)).astype(np.float32)
    taste /= np.linalg.norm(taste, axis=1, keepdims=True)
    table = pa.table({"customer_id": [f"c{number:09}" for number in range(customers)], **columns})
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(taste.ravel()), TASTE_WIDTH)
    pq.write_table(table.append_column("taste", vectors), folder / CUSTOMERS)
    items = [("category", "SOUP", 1, 0.5), ("department", "FOOD", -1, 0.9)]
    items += [("product", f"p{number:02}", 0, 0.1) for number in range(PRODUCTS)]
    buyers = [np.sort(rng.choice(customers, int(share * customers), replace=False)) for *_, share in items]
    starts = np.concatenate([[0], np.cumsum([len(numbers) for numbers in buyers])])
    pq.write_table(
        pa.table(
            {
                "kind": [kind for kind, *_ in items],
                "item_id": [item_id for _, item_id, *_ in items],
                "name": [item_id for _, item_id, *_ in items],
                "parent": [parent for *_, parent, _ in items],
                "first_row": starts[:-1],
                "rows": np.diff(starts),
                "mailer_stores_next": [0.0] * len(items),
            }
        ),
        folder / ITEMS,
    )
    bought = {name: rng.poisson(2.0, starts[-1]).astype(np.float32) for name in BUYER_COLUMNS}
    rows = pa.table({"customer": np.concatenate(buyers).astype(np.int32), **bought})
    with pa.OSFile(str(folder / BUYERS), "wb") as file, pa.ipc.new_file(file, rows.schema) as writer:
        writer.write_table(rows)


def model(seed: int) -> AudienceModel:
    """Return scorers that read every input."""
    rng = np.random.default_rng(seed)

    def scorer(names: tuple[str, ...]) -> Scorer:
        ones = [1.0] * len(names)
        return Scorer("logistic", names, ones, ones, rng.normal(0, 0.1, len(names)).tolist(), -2.0)

    by_buyers = {PAST: scorer(PAST_INPUTS), NEW: scorer(NEW_INPUTS)}
    return AudienceModel(4, {"category": by_buyers, "product": by_buyers}, {"category": 0.1, "product": 0.1})


def median_ms(call: Callable[[], object]) -> tuple[float, float]:
    """Return the median wall time and CPU time of several calls after a first one."""
    call()
    walls, cpus = [], []
    for _ in range(REPEATS):
        began, cpu_began = time.perf_counter(), time.process_time()
        call()
        walls.append(1000 * (time.perf_counter() - began))
        cpus.append(1000 * (time.process_time() - cpu_began))
    return statistics.median(walls), statistics.median(cpus)


def measure(customers: int, seed: int) -> dict[str, tuple[float, float]]:
    """Return the median wall and CPU milliseconds of each kind of audience, and of a plain sort."""
    with TemporaryDirectory() as folder:
        write_index(Path(folder), customers, seed)
        index, fitted = AudienceIndex.open(Path(folder)), model(seed)
        numbers = np.random.default_rng(seed).random(customers)
        coupon = product_items(index, [f"p{number:02}" for number in range(PRODUCTS)])
        asked = {
            "category": category_items(index, "SOUP"),
            "product": product_items(index, ["p00"]),
            f"coupon of {PRODUCTS} products": coupon,
        }
        found = {"sort": median_ms(lambda: np.sort(numbers))}
        for name, items in asked.items():
            found[name] = median_ms(lambda items=items: audience(index, fitted, items, Limits()))  # type: ignore[misc]
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the times for each number of customers."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.customers.audiences", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--customers", type=int, nargs="+", default=[100_000, 200_000])
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    results = {}
    for customers in options.customers:
        found = results[str(customers)] = measure(customers, options.seed)
        _, sort = found.pop("sort")
        print(f"{customers:,} customers; numpy sorts as many numbers in {sort:.1f} ms of CPU time")
        for name, (wall, cpu) in found.items():
            print(f"  {name:<24} {wall:7.1f} ms, CPU {cpu:7.1f} ms, {cpu / sort:5.1f} times the sort")
    print(json.dumps({n: {name: round(cpu, 1) for name, (_, cpu) in found.items()} for n, found in results.items()}))


if __name__ == "__main__":
    main()
