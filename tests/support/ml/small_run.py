"""A run as the steps before `evaluate` leave it: forty customers, two dozen products, models made without training."""

import json
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ml.config import load_config
from ml.data.splits import Split
from ml.ranking.examples import RankingExamples
from ml.runs import artifacts
from ml.runs.run import Run
from ml.runs.spec import RunSpec
from scoring.bundle import CANDIDATE_TOWER, QUERY_TOWER, RANKER, VOCABULARY
from scoring.rank_features import CATEGORICAL, NUMERIC
from scoring.schema import ACTIVITY, CONTENT, HISTORY, HISTORY_PRODUCT_IDS, PROFILE, TRAITS
from scoring.vocabulary import Vocabulary
from tests.support.serving.small_bundle import write_bundle

CUSTOMERS, PRODUCTS = 40, 24
NEW = ("p22", "p23")
"""First sold three days before the cut."""

JUDGED = datetime(2017, 12, 4, 5)
TRAINED = JUDGED - timedelta(weeks=4)


def write_run(runs: Path, run_id: str = "r1") -> Run:
    """Customer i bought p0 and its favourites p(i mod 20) and the next one; then p0, the favourite and p22."""
    run = Run(runs, run_id)
    config = load_config()
    now = JUDGED + timedelta(weeks=4)
    RunSpec(run_id, date(2018, 1, 1), 7, "a test", "f", config, Split(now, JUDGED, [TRAINED], [])).write(run)
    with run.publish_folder(artifacts.DATASET) as folder:
        # No customer buys between the snapshots, which the gate's leak check would report.
        for name, table in (("customers", _customers()), ("products", _products())):
            later = table.set_column(1, "snapshot", pa.array([now] * len(table)))
            pq.write_table(pa.concat_tables([table, later]), folder / f"{name}.parquet")
        pq.write_table(_labels(), folder / "labels.parquet")
    with run.publish_folder(artifacts.CANDIDATES) as folder:
        _examples().save(folder / "0")
    ranker = config.ranking.rankers[0]
    bundle = write_bundle(runs / "bundle", "v1")
    with run.publish_folder(artifacts.RETRIEVAL) as folder:
        (folder / "model").mkdir()
        for name in (QUERY_TOWER, CANDIDATE_TOWER):
            shutil.copy(bundle / name, folder / name)
        content = {field: [f"{field} {i}" for i in range(4)] for field in CONTENT}
        Vocabulary({"product_id": _ids()} | content).save(folder / VOCABULARY)
    with run.publish_folder(artifacts.SELECTED_RANKER) as folder:
        (folder / "model").mkdir()
        shutil.copy(bundle / RANKER, folder / RANKER)
    scores = {
        "another": {"all NDCG@10": 0.51, "explore NDCG@20": 0.12},
        ranker: {"all NDCG@10": 0.5, "explore NDCG@20": 0.2},
    }
    run.write_json(artifacts.RANKERS, {"chosen": ranker, "lists": 12, "scores": scores})
    phases: tuple[tuple[str, dict[str, float]], ...] = (
        ("masked histories", {}),
        ("masked histories", {"recall": 0.07}),
        ("new purchases", {"recall": 0.08}),
    )
    towers = [{"phase": phase, "epoch": e, "loss": 8.0 - e} | row for e, (phase, row) in enumerate(phases, start=1)]
    run.write_json(artifacts.RETRIEVAL_CURVE, towers)
    run.write_json(artifacts.ranker_curve(ranker), [{"epoch": e, "loss": 7.0 - e} for e in (1, 2)])
    return run


def page(run: Run) -> str:
    return run.path(artifacts.REPORT).read_text()


def found(run: Run, name: str) -> Any:
    return json.loads(run.path(name).read_text())


def _ids() -> list[str]:
    return [f"p{i:02d}" if i < 10 else f"p{i}" for i in range(PRODUCTS)]


def _favourites(row: int) -> tuple[int, int]:
    return row % 20, (row + 1) % 20


def _baskets(row: int) -> list[tuple[float, list[int]]]:
    """Seven weekly baskets of `(days ago, products)`, newest first: always p0, the favourites by turns."""
    first, second = _favourites(row)
    return [(3.0 + 7.0 * week, sorted({0, first if week % 2 else second})) for week in range(7)]


def _customers() -> pa.Table:
    rows = [_customer(row) for row in range(CUSTOMERS)]
    names = [f"customer_history__{name}" for name in HISTORY]
    lists = {name: pa.array([row[name] for row in rows], pa.list_(pa.float32())) for name in names}
    ids = [row[HISTORY_PRODUCT_IDS] for row in rows]
    profile = {f"customer_profile__{name}": [row[f"customer_profile__{name}"] for row in rows] for name in PROFILE}
    traits = {f"customer_profile__{name}": [""] * CUSTOMERS for name in TRAITS}
    return pa.table(
        {
            "customer_id": [str(row) for row in range(CUSTOMERS)],
            "snapshot": [JUDGED] * CUSTOMERS,
            HISTORY_PRODUCT_IDS: ids,
            **lists,
            **profile,
            **traits,
        }
    )


def _customer(row: int) -> dict[str, Any]:
    baskets = _baskets(row)
    products = sorted({product for _, items in baskets for product in items})
    ages = [[age for age, items in baskets if product in items] for product in products]
    history = {name: [_history(name, of) for of in ages] for name in HISTORY}
    profile = dict.fromkeys(PROFILE, 1.0) | {"baskets": 7.0, "days_since_last_basket": 3.0}
    return {
        HISTORY_PRODUCT_IDS: [_ids()[product] for product in products],
        **{f"customer_history__{name}": values for name, values in history.items()},
        **{f"customer_profile__{name}": value for name, value in profile.items()},
    }


def _history(name: str, ages: list[float]) -> float:
    if name.startswith("decayed"):
        return float(np.exp(-np.array(ages) / int(name.removeprefix("decayed_")[:-1])).sum())
    return {"days_since_last": ages[0], "days_since_first": ages[-1]}.get(name, float(len(ages)))


def _products() -> pa.Table:
    numbers = {f"product_activity__{name}": [0.0] * PRODUCTS for name in ACTIVITY}
    selling = [float(PRODUCTS - i) for i in range(PRODUCTS)]
    for name in (
        "baskets_4w",
        "buyers_4w",
        "buyers",
        "first_buyers_8w",
        "share_in_type_8w",
        "buyers_13w",
        "mailer_stores_next",
    ):
        numbers[f"product_activity__{name}"] = selling
    numbers["product_activity__days_since_first_sale"] = [3.0 if i in NEW else 300.0 for i in _ids()]
    content = {f"product_content__{field}": [f"{field} {i % 4}" for i in range(PRODUCTS)] for field in CONTENT}
    names = [f"Product <{i}>" for i in range(PRODUCTS)]
    return pa.table(
        {"product_id": _ids(), "snapshot": [JUDGED] * PRODUCTS, "product_content__product_name": names}
        | content
        | numbers
    )


def _examples() -> RankingExamples:
    """Three candidates a customer at the training snapshot, the first one of them bought."""
    rows = 3 * CUSTOMERS
    first = np.arange(rows) % 3 == 0
    return RankingExamples(
        numeric=np.zeros((rows, len(NUMERIC)), np.float32),
        categorical=np.zeros((rows, len(CATEGORICAL)), np.int32),
        bought=first,
        is_repeat=np.zeros(rows, bool),
        weight=np.ones(rows, np.float32),
        ends=np.arange(3, rows + 1, 3),
        relevant=np.ones((CUSTOMERS, 2), np.int64),
    )


def _labels() -> pa.Table:
    bought = [sorted({_ids()[0], _ids()[_favourites(row)[0]], "p22"}) for row in range(CUSTOMERS)]
    return pa.table(
        {
            "customer_id": [str(row) for row in range(CUSTOMERS)],
            "snapshot": [JUDGED] * CUSTOMERS,
            "product_ids": bought,
        }
    )
