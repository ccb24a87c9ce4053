"""A published index of audiences small enough to check by hand."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from marketing.audience.index import BUYER_COLUMNS, BUYERS, CUSTOMER_COLUMNS, CUSTOMERS, ITEMS
from marketing.audience.inputs import ITEM_INPUTS
from marketing.audience.scorers import NEW, PAST, AudienceModel, Scorer

ITEM_ROWS = [
    # kind, item_id, name, parent, buyers: customer -> baskets_4w, baskets_13w, baskets, days_since_last
    ("category", "SOUP", "SOUP", 1, {0: (1, 4, 9, 2.0), 1: (0, 1, 1, 60.0), 5: (0, 0, 3, 200.0)}),
    (
        "department",
        "FOOD",
        "FOOD",
        -1,
        {0: (2, 6, 12, 1.0), 1: (0, 1, 1, 60.0), 2: (3, 9, 20, 3.0), 5: (0, 0, 3, 200.0)},
    ),
    ("product", "p1", "Tomato Soup", 0, {0: (1, 3, 5, 2.0), 1: (0, 1, 1, 60.0)}),
    ("product", "p2", "Leek Soup", 0, {0: (0, 1, 4, 30.0), 5: (0, 0, 3, 200.0)}),
]
CUSTOMER_ROWS = [
    # spend_13w, spend_4w, baskets_13w, baskets_4w, days_since_last_basket, products, new_product_share_8w
    *((90.0, 30.0, 10.0, 3.0, 1.0, 40.0, 0.1), (50.0, 10.0, 5.0, 1.0, 20.0, 30.0, 0.2)),
    *((200.0, 80.0, 20.0, 6.0, 2.0, 90.0, 0.1), (20.0, 20.0, 2.0, 2.0, 4.0, 5.0, 0.9)),
    *((20.0, 20.0, 2.0, 2.0, 4.0, 5.0, 0.9), (0.0, 0.0, 0.0, 0.0, 200.0, 9.0, 0.0)),
]
"""Customer 5 bought nothing for 200 days; customers 3 and 4 are equal."""


def write_index(folder: Path) -> Path:
    """Write the three files; customer n is called `cn`."""
    folder.mkdir(parents=True, exist_ok=True)
    columns = dict(zip(CUSTOMER_COLUMNS, zip(*CUSTOMER_ROWS, strict=True), strict=True))
    taste = pa.array(
        [[1.0, 0.0], [0.6, 0.8], [0.8, 0.6], [0.0, 1.0], [0.0, 1.0], [0.0, 0.0]], pa.list_(pa.float32(), 2)
    )
    ids = [f"c{number}" for number in range(len(CUSTOMER_ROWS))]
    pq.write_table(pa.table({"customer_id": ids, **columns, "taste": taste}), folder / CUSTOMERS)
    sizes = [len(buyers) for *_, buyers in ITEM_ROWS]
    items = {
        **{name: [row[place] for row in ITEM_ROWS] for place, name in enumerate(("kind", "item_id", "name", "parent"))},
        "first_row": [sum(sizes[:place]) for place in range(len(sizes))],
        "rows": sizes,
        "mailer_stores_next": [0.0, 0.0, 0.5, 0.0],
    }
    pq.write_table(pa.table(items), folder / ITEMS)
    rows = [(customer, *numbers) for *_, buyers in ITEM_ROWS for customer, numbers in buyers.items()]
    bought = pa.table(
        {"customer": pa.array([row[0] for row in rows], pa.int32())}
        | {name: pa.array([row[1 + n] for row in rows], pa.float32()) for n, name in enumerate(BUYER_COLUMNS)}
    )
    with pa.OSFile(str(folder / BUYERS), "wb") as file, pa.ipc.new_file(file, bought.schema) as writer:
        writer.write_table(bought)
    return folder


def model() -> AudienceModel:
    """Return a model that reads baskets of the item, or else of its parent, so that its order is plain."""

    def scorer(first: str, intercept: float) -> Scorer:
        names = (first, *ITEM_INPUTS)
        return Scorer("frequency", names, [0.0] * 5, [1.0] * 5, [2.0, 0.0, 0.0, 0.0, 0.0], intercept)

    by_buyers = {PAST: scorer("own_baskets_13w", -2.0), NEW: scorer("parent_baskets_13w", -5.0)}
    return AudienceModel(4, {"category": by_buyers, "product": by_buyers}, {"category": 0.1, "product": 0.2})
