"""Measure the plan of a large campaign: wall time and peak memory of `plan`, its check and `enqueue`.

The customers are synthetic. Each has an address, a consent, a segment and twelve recommended products; the message has
three of these, as text and as HTML. The last line is one JSON object.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from customer_scores.publication import PublishedPart, ScoresPublication, write_record
from customer_scores.tables import COLUMNS, PREDICTIONS, SEGMENTS
from outbox.customers.records import Consent, Contact, record_consents, record_contacts
from outbox.store import open_store, store_url
from settings import ROOT, Settings

AS_OF, AT = date(2018, 1, 1), "2018-01-01T12:00"
PRODUCTS, LISTED = 20_000, 12
BATCH = 20_000
STEPS = {
    "plan": ("marketing", "campaign", "plan", "large", "--as-of", AT),
    "check": ("quality", "plan", "--campaign", "large"),
    "enqueue": ("marketing", "campaign", "enqueue", "large"),
}
CAMPAIGN = """
id = "large"
status = "running"
goal = "Show everybody three products"
message_class = "promotional"
purpose = "marketing"
[audience]
everybody = true
[recommendations]
slate = "explore"
[[content]]
name = "high"
filter = 'segment.value = "high"'
subject = "{{ products[0].name }} for our best customers"
text = "{% for product in products %}* {{ product.name }} ({{ product.category }}) {% endfor %}{{ unsubscribe_url }}"
html = "<ul>{% for product in products %}<li>{{ product.name }}</li>{% endfor %}</ul>{{ unsubscribe_url }}"
[[content]]
name = "others"
subject = "New: {{ products[0].name }}"
text = "{% for product in products %}\\n* {{ product.name }}{% endfor %}\\n{{ unsubscribe_url }}"
html = "<ul>{% for product in products %}<li>{{ product.name }}</li>{% endfor %}</ul>{{ unsubscribe_url }}"
[value]
amount = 3.0
times = "order_14d"
"""


def write_installation(data: Path, customers: int, seed: int) -> None:
    """Write scores, features, products, lists and an outbox of synthetic customers."""
    settings, rng = Settings(data=data), np.random.default_rng(seed)
    ids = [f"c{number:07}" for number in range(customers)]
    _write_scores(settings, ids, rng)
    baskets = rng.poisson(4, customers).astype(float)
    profiles = {
        "customer_id": ids,
        "event_timestamp": pa.array([settings.start_of_day(AS_OF)] * customers, pa.timestamp("us")),
        "days_since_first_basket": rng.uniform(1, 400, customers),
        "spend_4w": 30 * baskets,
        "spend_13w": 90 * baskets + rng.gamma(2, 50, customers),
        "baskets_4w": baskets,
        "baskets_13w": 3 * baskets,
    }
    _write(settings.paths.features / "feat_customer_profile.parquet", profiles)
    names = [f"p{number:05}" for number in range(PRODUCTS)]
    categories = [f"Category {number % 200}" for number in range(PRODUCTS)]
    products = {"product_id": names, "product_name": [f"Product {name}" for name in names], "category": categories}
    _write(settings.paths.admitted / "products.parquet", products)
    lists = {
        "customer_id": np.repeat(ids, LISTED),
        "rank": pa.array(np.tile(np.arange(1, LISTED + 1), customers), pa.int16()),
        "product_id": np.array(names)[rng.integers(0, PRODUCTS, customers * LISTED)],
    }
    _write(settings.paths.recommendations / "explore.parquet", lists)
    store, since = open_store(store_url(settings)), datetime(2017, 1, 1)
    for first in range(0, customers, BATCH):
        batch = ids[first : first + BATCH]
        record_contacts(store, [Contact(one, "email", f"{one}@example.invalid", None, since) for one in batch])
        record_consents(store, [Consent(one, "email", "marketing", True, since, "made") for one in batch])
    store.close()
    settings.campaigns_folder.mkdir()
    (settings.campaigns_folder / "large.toml").write_text(CAMPAIGN)


def _write_scores(settings: Settings, ids: Sequence[str], rng: np.random.Generator) -> None:
    count, instant = len(ids), settings.start_of_day(AS_OF)
    names = [name for name, kind in COLUMNS[PREDICTIONS].items() if kind == pa.float64()]
    predictions: dict[str, object] = {"customer_id": ids} | {name: rng.uniform(0, 1, count) for name in names}
    predictions |= {name: [[]] * count for name in ("categories_due", "categories_due_probability")}
    folder = settings.paths.customers.parent / f"{AS_OF}-made"
    _write(folder / PREDICTIONS, predictions, pa.schema(list(COLUMNS[PREDICTIONS].items())))
    tiers = np.array(["low", "medium", "high"])[rng.integers(0, 3, count)]
    segments = {
        "customer_id": ids,
        "axis": ["value"] * count,
        "segment": tiers,
        "label": tiers,
        "since": [instant] * count,
    }
    _write(folder / SEGMENTS, segments)
    part = PublishedPart(AS_OF, instant, "made", None, {}, {})
    parts = {"predictions": part, "segments": part}
    made = datetime.now(UTC).replace(tzinfo=None)
    write_record(folder, ScoresPublication(folder.name, AS_OF, instant, "made", "made", "made", parts, made))
    settings.paths.customers.symlink_to(folder.name)


def _write(file: Path, columns: object, schema: pa.Schema | None = None) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns, schema=schema), file)


def measured(data: Path, *arguments: str) -> tuple[float, float]:
    """Run one command and return its wall time in seconds and its peak memory in MiB.

    Raises:
        RuntimeError: the command failed.
    """
    environment = {**os.environ, "REACH_DATA": str(data)}
    command = [sys.executable, "-m", *arguments]
    began = time.perf_counter()
    child = os.posix_spawn(sys.executable, command, environment)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise RuntimeError(f"'{' '.join(command[1:])}' failed with status {status}.")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def main(arguments: Sequence[str] | None = None) -> None:
    """Print time and memory for each number of customers."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.customers.campaigns", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--customers", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    os.chdir(ROOT)
    results: dict[str, dict[str, float]] = {}
    for customers in options.customers:
        with TemporaryDirectory() as folder:
            data = Path(folder) / "data"
            write_installation(data, customers, options.seed)
            found = results[str(customers)] = {}
            for name, step in STEPS.items():
                found[f"{name}_s"], found[f"{name}_mib"] = (round(value, 1) for value in measured(data, *step))
            print(f"{customers:,} customers: {found}", flush=True)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
