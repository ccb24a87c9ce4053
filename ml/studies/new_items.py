"""Evaluate how well the system finds products that were first sold in the last week and have hardly any buyers.

Only those products are ranked, for customers who bought one for the first time in the window. The question is which of
the new products a customer buys. The baseline is the number of buyers in the product's category in the last four weeks.
The product's own buyers break its ties, in the baseline's favour.
"""

import logging
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from experiments.bootstrap import bootstrap, paired_difference
from ml.errors import NotEnoughDataError
from ml.evaluation.evaluated_run import CHALLENGER, EvaluatedRun
from ml.evaluation.ground_truth import GroundTruth
from ml.report.write import refresh_report
from ml.runs import artifacts
from ml.runs.run import Run
from scoring.candidates.product_subset import ProductSubset
from scoring.candidates.sources import SOURCES
from scoring.catalogue import Catalogue

logger = logging.getLogger(__name__)

WEEK = 7.0
TOWER, CATEGORY, POPULAR = "two_tower", "category popularity", "popularity in its first days"


def new_items(catalogue: Catalogue) -> np.ndarray:
    """Return the catalogue indices of the products first sold in the last week."""
    sold = catalogue.column("buyers") > 0  # a product that is only on a coming promotion was not sold yet
    return np.flatnonzero(sold & (catalogue.column("days_since_first_sale") <= WEEK))


def category_popularity(catalogue: Catalogue, products: np.ndarray) -> np.ndarray:
    """Return the number of buyers in the last four weeks in each product's category, float64 `[products]`."""
    codes = catalogue.codes["category"]
    totals = np.bincount(codes, catalogue.column("buyers_4w"))
    totals[0] = 0.0  # number 0 is "unknown", not a category
    counts: np.ndarray = totals[codes[products]]
    return counts


def buyers_of(truth: GroundTruth, products: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the rows of customers who bought one of the products for the first time, and the products of each."""
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
    """Return Recall@20, Recall@100 and the reciprocal rank of the first hit, `[customers]` each.

    Args:
        scores: Scores of the products, `[customers, products]`.
        products: Their catalogue indices.
        relevant: Catalogue indices of the products that each customer bought.
        own: Catalogue indices of the products that each customer bought before; they are not ranked.
        popularity: Buyers of every product in the catalogue, which break ties.
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
    """Return the means of every method, and the tower's paired differences to the others, with intervals."""
    ours = methods[TOWER]
    return {
        "means": {m: {s: vars(bootstrap(v, seed)) for s, v in of.items()} for m, of in methods.items()},
        "against": {
            other: {name: vars(paired_difference(ours[name], values, seed)) for name, values in of.items()}
            for other, of in methods.items()
            if other != TOWER
        },
    }


def evaluate_new_items(run: Run) -> dict[str, Any]:
    """Write `new_items.json` and log its figures.

    Args:
        run: An evaluated run.

    Returns:
        The numbers of products, customers and shown products, and the lead over the category's popularity.

    Raises:
        NotEnoughDataError: No evaluated customer bought a product first sold in the week before the snapshot.
    """
    evaluated = EvaluatedRun.of(run)
    system, seed = evaluated.system(), evaluated.spec.seed
    catalogue = system.catalogue
    window = evaluated.evaluation_set(catalogue)
    people, truth = window.customers, window.truth
    products = new_items(catalogue)
    rows, relevant = buyers_of(truth, products)
    if not len(rows):
        raise NotEnoughDataError(
            f"{len(products)} products were first sold in the week before {catalogue.as_of}, and no evaluated customer "
            "bought one of them afterwards, so nothing can be evaluated."
        )
    own = [truth.history[row] for row in rows]
    subset, tower, candidates = ProductSubset(catalogue, products), [], set[int]()
    for block, found in system.retriever.candidates([people[row] for row in rows]):
        tower.append(SOURCES[TOWER].score(block, subset))
        candidates |= {int(p) for c in found for p in np.intersect1d(c.positions, products)}

    def of(scores: np.ndarray) -> dict[str, np.ndarray]:
        return ranked_scores(scores, products, relevant, own, catalogue.popularity)

    shape = (len(rows), len(products))
    found_by = {
        TOWER: of(np.concatenate(tower)),
        CATEGORY: of(np.broadcast_to(category_popularity(catalogue, products), shape)),
        POPULAR: of(np.broadcast_to(catalogue.popularity[products], shape)),
    }
    lists = pq.read_table(
        run.path(artifacts.EVALUATION) / artifacts.LISTS,
        columns=["product_id"],
        filters=[("method", "=", CHALLENGER)],
    )
    shown = set(lists["product_id"].unique().to_pylist()) & {catalogue.product_ids[p] for p in products}
    result = {
        "products": len(products),
        "customers": len(rows),
        "purchases": sum(len(items) for items in relevant),
        "candidates": len(candidates),
        "shown": len(shown),
    } | compare(found_by, seed)
    run.write_json(artifacts.NEW_ITEMS, result)
    refresh_report(run)
    logger.info(
        f"{len(products):,} products were first sold in the last week; {len(shown):,} are in the first hundred of a "
        f"customer's `all` or `explore`."
    )
    for method, means in result["means"].items():
        cells = [f"{s} {e['mean']:.4f} ({e['low']:.4f}-{e['high']:.4f})" for s, e in means.items()]
        logger.info(method.ljust(30) + "  ".join(cells))
    for other, lead in result["against"].items():
        cells = [f"{s} {e['mean']:+.4f} ({e['low']:+.4f} to {e['high']:+.4f})" for s, e in lead.items()]
        logger.info(f"{TOWER} - {other}".ljust(45) + "  ".join(cells))
    ahead = {s: round(e["mean"], 4) for s, e in result["against"][CATEGORY].items()}
    return {"products": len(products), "customers": len(rows), "shown": len(shown), "lead": ahead}
