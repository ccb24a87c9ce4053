"""Tables of audiences and offers beside the staged scores: two categories, three products, two coupons."""

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from customer_scores.staged import MANIFEST
from marketing.audience.index import BUYER_COLUMNS, BUYERS, CUSTOMER_COLUMNS, CUSTOMERS, ITEMS
from marketing.audience.scorers import FILE, AudienceModel, Scorer
from settings import Settings
from tests.support.customer_scores.scores import CUSTOMERS as IDS

ITEM_ROWS = [
    # kind, item_id, name, parent, the numbers of the past buyers
    ("category", "BEER", "BEER", 4, [0, 3, 5]),
    ("category", "MILK", "MILK", 4, [1, 2, 3, 4]),
    ("category", "TEA", "TEA", 4, [7]),
    ("category", "WINE", "WINE", 4, []),
    ("department", "GROCERY", "GROCERY", -1, [0, 1, 2, 3, 4, 5, 7]),
    ("product", "p1", "Pale Ale", 0, [0, 3]),
    ("product", "p2", "Whole Milk", 1, [1, 2, 3]),
]


def stage_marketing(settings: Settings) -> None:
    """Add the parts audiences and offers to the staged scores."""
    folder = settings.paths.staged_customers
    _write_audiences(folder)
    _write_offers(folder)
    record = json.loads((folder / MANIFEST).read_text())
    record["parts"] |= dict.fromkeys(("audiences", "offers"), record["parts"]["tags"])
    (folder / MANIFEST).write_text(json.dumps(record))


def _write_audiences(folder: Path) -> None:
    ids, rng = sorted(IDS), np.random.default_rng(7)
    values = {name: rng.uniform(1, 20, len(ids)).astype(np.float32) for name in CUSTOMER_COLUMNS}
    taste = rng.normal(size=(len(ids), 16)).astype(np.float32)
    taste /= np.linalg.norm(taste, axis=1, keepdims=True)
    fixed = pa.FixedSizeListArray.from_arrays(pa.array(taste.ravel()), 16)
    pq.write_table(pa.table({"customer_id": ids, **values, "taste": fixed}), folder / CUSTOMERS)
    kinds, names, labels, parents, buyers = zip(*ITEM_ROWS, strict=True)
    counts = [len(found) for found in buyers]
    first = np.cumsum([0, *counts])[:-1]
    items = {"kind": kinds, "item_id": names, "name": labels, "parent": parents, "first_row": first, "rows": counts}
    columns = {name: list(column) for name, column in items.items()}
    pq.write_table(pa.table(columns | {"mailer_stores_next": [0.0] * len(names)}), folder / ITEMS)
    rows = {"customer": np.concatenate([np.array(found, np.int32) for found in buyers])}
    rows |= {name: rng.uniform(1, 5, sum(counts)).astype(np.float32) for name in BUYER_COLUMNS}
    table = pa.table(rows)
    with pa.OSFile(str(folder / BUYERS), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    scorers = {
        "past": Scorer("logistic", ["own_baskets_13w"], [0.0], [1.0], [0.8], -1.0),
        "new": Scorer("logistic", ["spend_13w"], [0.0], [1.0], [0.5], -4.0),
    }
    model = AudienceModel(4, {"category": scorers, "product": scorers}, {"category": 0.2, "product": 0.3})
    (folder / FILE).write_text(json.dumps(model.as_dict()))


def _write_offers(folder: Path) -> None:
    rows = [
        *(("1", "x", 0.3, False, 0.9, 0.9), ("1", "y", 0.1, True, 0.0, 0.5), ("2", "x", 0.2, True, 0.0, 0.3)),
        *(("2", "y", 0.02, True, 0.0, 0.8), ("3", "y", 0.2, False, 0.5, 0.1)),
    ]
    names = ("customer_id", "coupon_id", "probability", "is_new", "bought_anyway", "attraction")
    pairs = {name: [row[index] for row in rows] for index, name in enumerate(names)}
    pairs |= {"campaign_id": ["k"] * len(rows), "own_baskets_13w": [0.0] * len(rows)}
    pq.write_table(pa.table(pairs), folder / "offer_pairs.parquet")
    coupons = {
        "coupon_id": ["x", "y"],
        "campaign_id": ["k", "k"],
        "starts_at": pa.array([datetime(2018, 1, 1)] * 2, pa.timestamp("us")),
        "face_value": [1.0, 1.0],
        "margin": [30.0, 30.0],
    }
    pq.write_table(pa.table(coupons), folder / "offer_coupons.parquet")
