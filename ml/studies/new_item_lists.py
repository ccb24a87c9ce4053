"""Are products found that were first sold days ago, when hardly anybody can have bought them?

Only those products are ranked, for the customers who bought one of them in the window without having had it before,
so that the question is which of the new ones. The rule to beat knows what a shop assistant would: how many buyers the
product's category had in the last four weeks. Its ties are broken by the product's own buyers, which is in its favour.
"""

from typing import Any

import numpy as np

from ml.evaluation.bootstrap import bootstrap, paired
from ml.evaluation.ground_truth import Truth
from scoring.catalogue import Catalogue

WEEK = 7.0
TOWER, CATEGORY, POPULAR = "two_tower", "category popularity", "popularity in its first days"


def new_products(catalogue: Catalogue) -> np.ndarray:
    """Catalogue indices of the products first sold in the last week."""
    sold = catalogue.column("buyers") > 0  # a product on a coming promotion only has not been sold at all
    return np.flatnonzero(sold & (catalogue.column("days_since_first_sale") <= WEEK))


def category_popularity(catalogue: Catalogue, products: np.ndarray) -> np.ndarray:
    """Buyers in the last four weeks of everything in the product's category, float64 `[products]`."""
    codes = catalogue.codes["category"]
    totals = np.bincount(codes, catalogue.column("buyers_4w"))
    totals[0] = 0.0  # number 0 is "unknown", not a category
    counts: np.ndarray = totals[codes[products]]
    return counts


def buyers_of(truth: Truth, products: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Rows of the customers who bought one of the products for the first time, and which ones each bought."""
    found = [np.intersect1d(items, products) for items in truth.relevant("explore")]
    rows = np.array([row for row, items in enumerate(found) if len(items)], dtype=np.int64)
    return rows, [found[row] for row in rows]


def ranked_scores(
    scores: np.ndarray,
    products: np.ndarray,
    relevant: list[np.ndarray],
    own: list[np.ndarray],
    popularity: np.ndarray,
) -> dict[str, np.ndarray]:
    """Recall@20, Recall@100 and the reciprocal rank of the first product found, `[customers]` each.

    scores: `[customers, products]`; `products` as catalogue indices; what a customer had before is not ranked.
    """
    result = {name: np.zeros(len(relevant)) for name in ("Recall@20", "Recall@100", "MRR")}
    for row, bought in enumerate(relevant):
        usable = np.flatnonzero(~np.isin(products, own[row]))
        order = usable[np.lexsort((products[usable], -popularity[products[usable]], -scores[row, usable]))]
        hits = np.isin(products[order], bought)
        for k in (20, 100):
            result[f"Recall@{k}"][row] = hits[:k].sum() / len(bought)
        result["MRR"][row] = 1.0 / (1 + int(np.flatnonzero(hits)[0]))
    return result


def compare(methods: dict[str, dict[str, np.ndarray]], seed: int) -> dict[str, Any]:
    """Means of every method, and the tower's paired differences to the others, with intervals."""
    ours = methods[TOWER]
    return {
        "means": {m: {s: vars(bootstrap(v, seed)) for s, v in of.items()} for m, of in methods.items()},
        "against": {
            other: {name: vars(paired(ours[name], values, seed)) for name, values in of.items()}
            for other, of in methods.items()
            if other != TOWER
        },
    }
