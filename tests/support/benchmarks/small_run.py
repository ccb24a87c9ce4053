"""A run folder of eight customers and twelve products, as the steps would leave it, small enough to check by hand."""

from datetime import date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ml.config import Config
from ml.data.dataset import Dataset
from ml.data.splits import Split
from ml.retrieval.catalogue_builder import build_vocabulary
from ml.runs import artifacts
from ml.runs.run import Run
from ml.runs.spec import RunSpec
from scoring.bundle import VOCABULARY
from scoring.schema import ACTIVITY, CONTENT, HISTORY, HISTORY_PRODUCT_IDS, PROFILE, TRAITS

NOW, JUDGED, RANKER, RETRIEVAL = (
    datetime(2018, 1, 1),
    datetime(2017, 12, 4),
    datetime(2017, 11, 6),
    datetime(2017, 10, 9),
)
PRODUCTS = [f"p{number:02}" for number in range(12)]
CUSTOMERS = [f"c{number}" for number in range(8)]


def own(customer: int) -> list[int]:
    """Customers 0 to 3 buy the even products, 4 to 7 the odd ones; each leaves two out."""
    side = list(range(customer // 4, 12, 2))
    return [product for place, product in enumerate(side) if place not in (customer % 4, customer % 4 + 1)]


def bought(customer: int) -> list[int]:
    """In the window after: the first own product again, and the first one that was left out."""
    return [own(customer)[0], customer // 4 + 2 * (customer % 4)]


def write_run(runs: Path, run_id: str = "small") -> Run:
    run = Run(runs, run_id)
    split = Split(NOW, JUDGED, [RANKER], [RETRIEVAL])
    RunSpec(
        run_id,
        date(2018, 1, 1),
        7,
        "",
        "features",
        Config(sources={"repeat_purchases": 5, "popular": 5}),
        split,
    ).write(run)
    folder = run.folder / artifacts.DATASET
    folder.mkdir(parents=True)
    cuts = [NOW, JUDGED, RANKER, RETRIEVAL]
    pq.write_table(pa.concat_tables([_customers(cut) for cut in cuts]), folder / "customers.parquet")
    pq.write_table(pa.concat_tables([_products(cut) for cut in cuts]), folder / "products.parquet")
    pq.write_table(pa.concat_tables([_labels(cut) for cut in cuts[1:]]), folder / "labels.parquet")
    vocabulary = run.folder / artifacts.RETRIEVAL / VOCABULARY
    vocabulary.parent.mkdir(parents=True)
    build_vocabulary(Dataset(folder).products(RETRIEVAL)).save(vocabulary)
    return run


def _customers(cut: datetime) -> pa.Table:
    rows = range(len(CUSTOMERS))
    columns = {
        "snapshot": [cut] * len(rows),
        "customer_id": CUSTOMERS,
        HISTORY_PRODUCT_IDS: [[PRODUCTS[p] for p in own(row)] for row in rows],
    }
    # Every product was bought once; the later in the list, the less it weighs.
    columns |= {f"customer_history__{name}": [[1.0 / (1 + p) for p in own(row)] for row in rows] for name in HISTORY}
    columns |= {f"customer_profile__{name}": [2.0] * len(rows) for name in PROFILE}
    columns |= {f"customer_profile__{name}": [""] * len(rows) for name in TRAITS}
    return pa.table(columns)


def _products(cut: datetime) -> pa.Table:
    n = len(PRODUCTS)
    columns = {"snapshot": [cut] * n, "product_id": PRODUCTS, "product_content__product_name": PRODUCTS}
    columns |= {f"product_content__{name}": ["x"] * n for name in CONTENT}
    columns |= {f"product_activity__{name}": np.arange(n, 0, -1).astype(float) for name in ACTIVITY}  # p00 is popular
    return pa.table(columns)


def _labels(cut: datetime) -> pa.Table:
    ids = [[PRODUCTS[p] for p in bought(row)] for row in range(len(CUSTOMERS))]
    return pa.table({"snapshot": [cut] * len(ids), "customer_id": CUSTOMERS, "product_ids": ids})
