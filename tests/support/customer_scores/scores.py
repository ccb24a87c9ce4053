"""Scores of a few made-up customers, staged as the customer model stages them."""

import json
from collections.abc import Collection, Sequence
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.files.atomic import staged_folder
from customer_scores.staged import MANIFEST
from customer_scores.tables import COLUMNS, PREDICTIONS, SEGMENTS, TAGS
from settings import Settings

AS_OF = date(2018, 1, 1)
CUSTOMERS = tuple(str(number) for number in range(1, 31))
LEARNED_ON = "800 customers of the demo survey"


def stage_scores(
    settings: Settings,
    as_of: date = AS_OF,
    customers: Sequence[str] = CUSTOMERS,
    parts: Collection[str] = ("predictions", "tags", "taste", "segments"),
    seed: int = 7,
    version: str = "2018-01-01-aaaaaa-11111111",
) -> None:
    """Write the staged folder: these customers and these parts, other values for another seed."""
    customers = sorted(customers)
    rng, count = np.random.default_rng(seed), len(customers)
    instant = settings.start_of_day(as_of)
    spend = rng.gamma(2.0, 100.0, count)
    tables = {
        "predictions": {
            PREDICTIONS: {
                "customer_id": customers,
                **{name: rng.uniform(0, 1, count) for name in ("lapse_4w", "lapse_8w", "order_7d", "order_14d")},
                "spend_8w": spend,
                "spend_8w_low": spend * 0.5,
                "spend_8w_high": spend * 1.5,
                "categories_due": [["MILK", "EGGS"][: index % 3] for index in range(count)],
                "categories_due_probability": [[0.9, 0.5][: index % 3] for index in range(count)],
            }
        },
        "tags": {TAGS: _tags(customers, as_of)},
        "taste": {"taste.parquet": {"customer_id": customers, "taste": rng.normal(size=(count, 4)).tolist()}},
        "segments": {
            SEGMENTS: {
                "customer_id": [customer for customer in customers for _ in range(2)],
                "axis": ["taste", "value"] * count,
                "segment": [name for index in range(count) for name in (f"t{index % 3}", f"v{index % 3}")],
                "label": [
                    name
                    for index in range(count)
                    for name in (["Fresh", "Snacks", "Baby"][index % 3], ["High", "Middle", "Low"][index % 3])
                ],
                "since": [instant] * (2 * count),
            }
        },
    }
    with staged_folder(settings.paths.staged_customers) as folder:
        for part in parts:
            for file, columns in tables[part].items():
                schema = pa.schema(list(COLUMNS[file].items())) if file in COLUMNS else None
                pq.write_table(pa.table(columns, schema=schema), folder / file)
        verdicts = {
            part: {
                "decision": "model",
                "until": str(as_of - timedelta(weeks=8)),
                "measures": {f"{part}_figure": {"value": 0.8, "low": 0.7, "high": 0.9, "bar": 0.75, "at_most": False}},
            }
            for part in parts
        }
        record = {
            "as_of": str(as_of),
            "snapshot": instant.isoformat(),
            "version": version,
            "features": f"{as_of}-aaaaaaaaaaaa",
            "parts": verdicts,
        }
        (folder / MANIFEST).write_text(json.dumps(record))


def _tags(customers: Sequence[str], as_of: date) -> dict[str, list[object]]:
    """One habit for every second customer, and a sensitive tag as well for every fourth."""
    rows = [
        (customer, tag, value, confidence, 12, as_of - timedelta(days=90), as_of, measure, held_out, learned, sensitive)
        for index, customer in enumerate(customers)
        for tag, value, confidence, measure, held_out, learned, sensitive in (
            ("main_store", "367", 0.9, "split-half reliability", 0.93, "its own baskets", False),
            ("age_55", "yes", 0.8, "AUC", 0.86, LEARNED_ON, True),
        )
        if index % 2 == 0 and (not sensitive or index % 4 == 0)
    ]
    return dict(zip(COLUMNS[TAGS], (list(column) for column in zip(*rows, strict=True)), strict=True))
