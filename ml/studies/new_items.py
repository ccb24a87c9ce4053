"""Judge how well products of their first week are found, and whether anybody is shown them."""

from typing import Any

import numpy as np
import pyarrow.parquet as pq

from ml.errors import NotEnoughDataError
from ml.evaluation.evaluated_run import Judged
from ml.runs import artifacts
from ml.runs.run import Run
from ml.steps.evaluate import CHALLENGER
from ml.steps.report import refresh_report
from ml.studies.new_item_lists import (
    CATEGORY,
    POPULAR,
    TOWER,
    buyers_of,
    category_popularity,
    compare,
    new_products,
    ranked_scores,
)
from scoring.candidates.product_subset import ProductSubset
from scoring.candidates.sources import SOURCES


def judge_new_products(run: Run) -> dict[str, Any]:
    """Leave `new_products.json` and print what was found.

    Raises NotEnoughDataError if no judged customer bought a product of the week before the cut.
    """
    judged = Judged.of(run)
    system, seed = judged.system(), judged.spec.seed
    catalogue = system.catalogue
    people, truth = judged.window(catalogue)
    products = new_products(catalogue)
    rows, relevant = buyers_of(truth, products)
    if not len(rows):
        raise NotEnoughDataError(
            f"{len(products)} products were first sold in the week before {catalogue.as_of}, and no judged customer "
            "bought one of them afterwards: nothing can be judged."
        )
    own = [truth.own[row] for row in rows]
    shelf, tower, candidates = ProductSubset(catalogue, products), [], set[int]()
    for block, found in system.retriever.candidates([people[row] for row in rows]):
        tower.append(SOURCES[TOWER](block, shelf))
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
    run.write_json(artifacts.NEW_PRODUCTS, result)
    refresh_report(run)
    print(
        f"{len(products):,} products of their first week; {len(shown):,} of them are in the first hundred of somebody "
        f"in `all` or `explore`.",
        flush=True,
    )
    for method, means in result["means"].items():
        cells = [f"{s} {e['mean']:.4f} ({e['low']:.4f}-{e['high']:.4f})" for s, e in means.items()]
        print(method.ljust(30) + "  ".join(cells), flush=True)
    for other, lead in result["against"].items():
        cells = [f"{s} {e['mean']:+.4f} ({e['low']:+.4f} to {e['high']:+.4f})" for s, e in lead.items()]
        print(f"{TOWER} - {other}".ljust(45) + "  ".join(cells), flush=True)
    ahead = {s: round(e["mean"], 4) for s, e in result["against"][CATEGORY].items()}
    return {"products": len(products), "customers": len(rows), "shown": len(shown), "lead": ahead}
