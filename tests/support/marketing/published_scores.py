"""Published scores of six customers, as a filter reads them."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

CUSTOMERS = [f"c{k}" for k in range(1, 7)]


def write_scores(folder: Path) -> Path:
    """Write predictions, tags and segments, and return the folder. c6 has predictions only."""
    folder.mkdir(parents=True, exist_ok=True)
    predictions = {
        "customer_id": CUSTOMERS,
        "lapse_8w": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
        "spend_8w": [600.0, 500.0, 400.0, 300.0, 200.0, 100.0],
        "categories_due": [["BEEF"], ["SODA"], [], [], [], ["BEEF", "SODA"]],
    }
    tags = [
        ("c1", "likes", "SODA", 0.9),
        ("c1", "likes", "O'BRIEN'S", 0.9),
        ("c2", "likes", "BEEF", 0.8),
        ("c1", "age_55", "yes", 0.95),
        ("c2", "age_55", "no", 0.7),
        ("c3", "basket_value", "40.5", 1.0),
        ("c4", "basket_value", "9", 1.0),
        ("c5", "prefers:BEEF", "2.5", 0.9),
    ]
    tiers = [(f"c{k}", "value", "high" if k < 3 else "low") for k in range(1, 6)]
    segments = [(*row, row[2].title()) for row in [*tiers, ("c1", "taste", "beef")]]
    columns = {
        "predictions": predictions,
        "tags": _columns(("customer_id", "tag", "value", "confidence"), tags),
        "segments": _columns(("customer_id", "axis", "segment", "label"), segments),
    }
    for name, table in columns.items():
        pq.write_table(pa.table(table), folder / f"{name}.parquet")
    return folder


def _columns(names: tuple[str, ...], rows: list[tuple[object, ...]]) -> dict[str, list[object]]:
    return {name: [row[index] for row in rows] for index, name in enumerate(names)}
