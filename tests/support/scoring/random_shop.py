"""A small shop made from a seed: products with structure, customers with habits, and a ranker anybody can follow."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from scoring.candidates.purchase_matrix import PurchaseMatrix
from scoring.candidates.retriever import Retriever
from scoring.candidates.sources import SOURCES
from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer
from scoring.models.ease import Ease
from scoring.models.item_knn import ItemKnn
from scoring.models.matrix_factorization import MatrixFactorization
from scoring.models.user_knn import UserKnn
from scoring.rank_features import NUMERIC
from scoring.recommender import Recommender
from scoring.reranking.group_fallback import GroupFallback
from scoring.schema import ACTIVITY, CONTENT, HISTORY, PROFILE, TRAITS

CATEGORIES = ("", "Bakery", "Dairy", "Fruit", "Meat", "Wine")
DIMENSIONS = 6

WEIGHTS = {
    "repeat_decayed_120d": 2.0,
    "score_item_to_item": 3.0,
    "score_user_knn": 2.0,
    "score_two_tower": 0.5,
    "type_decayed_120d": 0.4,
    "line_decayed_120d": 0.4,
    "product_popularity": 0.3,
}
"""The weights of the ranker, the same for both slates."""


@dataclass(frozen=True)
class Shop:
    recommender: Recommender
    customers: list[Customer]

    @property
    def catalogue(self) -> Catalogue:
        return self.recommender.catalogue


def shop(
    seed: int,
    products: int = 60,
    customers: int = 40,
    quota: int = 8,
    fallbacks: tuple[GroupFallback, ...] = (),
    baseline: bool = False,
) -> Shop:
    rng = np.random.default_rng(seed)
    types = rng.integers(0, max(products // 5, 2), products)
    people = [_customer(rng, types) for _ in range(customers)]
    product_ids = [f"p{i}" for i in range(products)]
    bought = PurchaseMatrix.of(people, {product_id: i for i, product_id in enumerate(product_ids)})
    category = types % len(CATEGORIES)
    activity = rng.integers(0, 20, (products, len(ACTIVITY))).astype(np.float32)
    vectors = rng.normal(size=(products, DIMENSIONS)) + 2 * rng.normal(size=(types.max() + 1, DIMENSIONS))[types]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    codes = dict.fromkeys(("product_id", *CONTENT), np.zeros(products, np.int32))
    catalogue = Catalogue(
        as_of=date(2018, 1, 1),
        product_ids=product_ids,
        names=[f"Product {i}" for i in range(products)],
        category_names=[CATEGORIES[c] for c in category],
        type_names=[f"Type {t}" if t else "" for t in types],
        codes=codes
        | {
            "product_type": types.astype(np.int32),
            "category": category.astype(np.int32),
            "manufacturer_id": rng.integers(0, 4, products).astype(np.int32),
        },
        activity=activity,
        vectors=vectors.astype(np.float32),
        models={
            "item_to_item": Ease.fit(bought.matrix("decayed_120d").sqrt(), 5.0, 1000, 7),
            "user_knn": UserKnn.fit(bought.matrix("baskets"), bought.matrix("days_since_last").data, 8),
            "item_knn": ItemKnn.fit(bought.matrix("decayed_120d").sqrt(), 8, 1.0, 2),
            "matrix_factorization": MatrixFactorization(np.zeros((products, 0), np.float32), 2.0, 0.05),
        },
    )

    def tower(inputs: dict[str, np.ndarray]) -> np.ndarray:
        pooled = np.einsum("nl,nld->nd", inputs["history_weights"][:, :, 2], vectors[inputs["history_product_id"]])
        return (pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-9)).astype(np.float32)

    def ranker(numeric: np.ndarray, categorical: np.ndarray) -> np.ndarray:
        score = sum(weight * numeric[:, NUMERIC.index(name)] for name, weight in WEIGHTS.items())
        return np.column_stack([score, score]).astype(np.float32)

    # The towers read vocabulary numbers: here a product's number is its position.
    codes_by_position = catalogue.codes
    codes_by_position["product_id"] = np.arange(products, dtype=np.int32)
    stages: Any = (tower, ranker)
    retriever = Retriever(catalogue, stages[0], dict.fromkeys(SOURCES, quota))
    return Shop(Recommender(retriever, stages[1], fallbacks, baseline), people)


def without(customer: Customer, product_ids: set[str]) -> Customer:
    """The customer as if these products had never been bought."""
    kept = np.array([product_id not in product_ids for product_id in customer.product_ids], bool)
    history = {name: values[kept] for name, values in customer.history.items()}
    return Customer(list(np.array(customer.product_ids)[kept]), history, customer.profile, customer.traits)


def _customer(rng: np.random.Generator, types: np.ndarray) -> Customer:
    """Buys mostly from three favourite types, some products often."""
    liked = rng.choice(types.max() + 1, 3)
    chance = np.where(np.isin(types, liked), 0.5, 0.05)
    own = np.flatnonzero(rng.random(len(types)) < chance)
    baskets = 1.0 + rng.poisson(3, len(own))
    last = rng.integers(0, 80, len(own)).astype(np.float64)
    history = dict.fromkeys(HISTORY, np.zeros(len(own), np.float32)) | {
        "baskets": baskets.astype(np.float32),
        "days_since_last": last.astype(np.float32),
        "gap_mean_days": np.where(baskets > 1, 7.0, 0.0).astype(np.float32),
        **{f"decayed_{d}d": (baskets * np.exp(-last / d)).astype(np.float32) for d in (20, 60, 120, 240)},
    }
    profile = dict.fromkeys(PROFILE, 1.0) | {"baskets": float(baskets.max(initial=0))}
    return Customer([f"p{i}" for i in own], history, profile, dict.fromkeys(TRAITS, ""))
