"""A complete bundle of a dozen products, made in a moment without TensorFlow.

The ranker is one matrix product that reads two features, so that every answer can be worked out by hand:
`all` = 10 x repeat_decayed_120d + product_buyers_4w, `explore` = product_buyers_4w.
"""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from scipy import sparse

from core.files.bundle import MANIFEST, hash_files
from scoring.bundle import (
    CANDIDATE_TOWER,
    CATALOGUE,
    FORMAT,
    GOLDEN,
    QUERY_TOWER,
    RANKER,
    Bundle,
)
from scoring.candidates.sources import SOURCES
from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer
from scoring.models.ease import Ease
from scoring.models.item_knn import ItemKnn
from scoring.models.matrix_factorization import MatrixFactorization
from scoring.models.user_knn import UserKnn
from scoring.rank_features import CATEGORICAL, NUMERIC
from scoring.recommender import Recommender, Slate
from scoring.request import RecommendationRequest
from scoring.schema import ACTIVITY, CONTENT, HISTORY, HISTORY_PRODUCT_IDS, PROFILE

PRODUCTS = 12
NAMELESS = 11
DIMENSIONS = 4
CATEGORIES = ("", "Bakery", "Dairy", "Fruit")
"""p0 is of Bakery, p1 of Dairy, p2 of Fruit, p3 of none, p4 of Bakery again."""

QUOTAS = dict.fromkeys(SOURCES, 6)


def buyer_features(*product_ids: str) -> dict[str, Any]:
    """A customer who bought these products, the first one most; named as the online store names them."""
    amounts = [float(len(product_ids) - i) for i in range(len(product_ids))]
    history = {f"customer_history__{name}": amounts for name in HISTORY}
    profile = {f"customer_profile__{name}": 1.0 for name in PROFILE}
    return {HISTORY_PRODUCT_IDS: list(product_ids)} | history | profile


def write_bundle(folder: Path, version: str, as_of: date = date(2018, 1, 1), weight: float = 10.0) -> Path:
    """Write a bundle folder and return it. Versions differ by `weight`."""
    (folder / "model").mkdir(parents=True)
    catalogue = small_catalogue(as_of)
    catalogue.save(folder / CATALOGUE)
    _tower(folder / QUERY_TOWER, "profile", len(PROFILE))
    _tower(folder / CANDIDATE_TOWER, "activity", len(ACTIVITY))
    _ranker(folder / RANKER, weight)
    (folder / GOLDEN).write_text("[]")
    _write_manifest(folder, version, as_of)
    recommender = Bundle.open(folder).recommender
    golden = [
        _golden(recommender, features, slate)
        for features in ({}, buyer_features("p3", "p5"))
        for slate in ("all", "explore")
    ]
    (folder / GOLDEN).write_text(json.dumps(golden))
    _write_manifest(folder, version, as_of)
    return folder


def _write_manifest(folder: Path, version: str, as_of: date) -> None:
    manifest = {
        "format": FORMAT,
        "version": version,
        "as_of": as_of.isoformat(),
        "created_at": datetime(2018, 1, 2).isoformat(),
        "run_id": version,
        "git_revision": "0" * 40,
        "features": f"{as_of}-000000000000",
        "feature_services": ["retrieval_query_v1"],
        "numeric": list(NUMERIC),
        "categorical": list(CATEGORICAL),
        "quotas": QUOTAS,
        "ranker": "matrix",
        "sources": {name: {"quota": quota} for name, quota in QUOTAS.items()}
        | {"matrix_factorization": {"quota": QUOTAS["matrix_factorization"], "n_factors": 0}},
        "catalogue": {},
        "trained_until": as_of.isoformat(),
        "seed": 7,
        "metrics": {"all NDCG@10": 0.4321},
        "gate": {
            "publish": True,
            "reasons": ["Better than popularity on all NDCG@10."],
            "opponent": "popularity",
        },
        "files": hash_files(folder),
    }
    (folder / MANIFEST).write_text(json.dumps(manifest))


def small_catalogue(as_of: date = date(2018, 1, 1)) -> Catalogue:
    """A dozen products; p0 sells best, every fourth is of an unknown type."""
    activity = np.zeros((PRODUCTS, len(ACTIVITY)), np.float32)
    for name in (
        "buyers_4w",
        "buyers",
        "first_buyers_8w",
        "share_in_type_8w",
        "buyers_13w",
        "mailer_stores_next",
    ):
        activity[:, ACTIVITY.index(name)] = np.arange(PRODUCTS, 0, -1)  # p0 sells best
    purchases = sparse.csr_matrix(np.eye(3, PRODUCTS, dtype=np.float32))
    together = sparse.csr_matrix(np.eye(3, PRODUCTS, dtype=np.float32) + np.eye(3, PRODUCTS, 1, dtype=np.float32))
    return Catalogue(
        as_of=as_of,
        product_ids=[f"p{i}" for i in range(PRODUCTS)],
        names=[f"Product {i}" if i != NAMELESS else "" for i in range(PRODUCTS)],
        category_names=[CATEGORIES[(i + 1) % 4] for i in range(PRODUCTS)],
        type_names=["Snacks"] * PRODUCTS,
        codes={field: np.arange(1, PRODUCTS + 1, dtype=np.int32) % 4 for field in ("product_id", *CONTENT)},
        activity=activity,
        vectors=np.ones((PRODUCTS, DIMENSIONS), np.float32),
        models={
            "item_to_item": Ease.fit(purchases, 1.0, 10, 7),
            "user_knn": UserKnn.fit(purchases, np.zeros(purchases.nnz, np.float32), 2),
            "matrix_factorization": MatrixFactorization(np.zeros((PRODUCTS, 0), np.float32), 2.0, 0.05),
            "item_knn": ItemKnn.fit(together, 2, 1.0, 1),
        },
    )


def _ranker(path: Path, weight: float) -> None:
    weights = np.zeros((len(NUMERIC), 2), np.float32)
    weights[NUMERIC.index("repeat_decayed_120d"), 0] = weight
    weights[NUMERIC.index("product_buyers_4w"), :] = 1.0
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["numeric", "weights"], ["scores"])],
        "ranker",
        [
            helper.make_tensor_value_info("numeric", TensorProto.FLOAT, ["n", len(NUMERIC)]),
            helper.make_tensor_value_info("categorical", TensorProto.INT32, ["n", len(CATEGORICAL)]),
        ],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(weights, "weights")],
    )
    _save(graph, path)


def _tower(path: Path, name: str, columns: int) -> None:
    graph = helper.make_graph(
        [helper.make_node("MatMul", [name, "weights"], ["vectors"])],
        "tower",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", columns])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["n", DIMENSIONS])],
        [numpy_helper.from_array(np.full((columns, DIMENSIONS), 0.01, np.float32), "weights")],
    )
    _save(graph, path)


def _save(graph: onnx.GraphProto, path: Path) -> None:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def _golden(recommender: Recommender, features: dict[str, Any], slate: Slate) -> dict[str, Any]:
    answer = recommender.recommend(Customer.from_features(features), RecommendationRequest(slate, 5))
    return {
        "features": features,
        "slate": slate,
        "k": 5,
        "product_ids": [item.product_id for item in answer.items],
        "scores": [item.score for item in answer.items],
    }
