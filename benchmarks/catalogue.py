"""Measure the cost of the two-tower's list as the catalogue grows, by exact search and by the approximate index.

`make bench-catalogue` takes the champion's product vectors and adds jittered copies, up to 10 and 100 times as many. It
then searches the nearest products of query vectors. The recall is the share of the exact list that the index finds.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from benchmarks.installation import champion_version
from ml.config import load_config
from registry.model_store import ModelStore
from scoring.bundle import QUERY_TOWER, Bundle
from scoring.candidates.merge import top
from scoring.candidates.purchase_matrix import PurchaseMatrix
from scoring.customer.customer import Customer
from scoring.models.ann_index import AnnIndex
from scoring.models.two_tower import Tower, query_inputs
from settings import Settings, load_settings

LIST = 90
JITTER = 0.03
"""Standard deviation of each coordinate's noise; its length is 0.2, as between products of one type."""


def main() -> None:
    """Run the benchmark of the command line and print its figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.catalogue", description=__doc__)
    parser.add_argument("--times", type=int, nargs="+", default=[1, 10, 100], help="how many times the catalogue")
    parser.add_argument("--queries", type=int, default=50, help="queries timed (default: %(default)s)")
    options = parser.parse_args()
    settings = load_settings()
    bundle = champion(settings)
    vectors = bundle.recommender.retriever.active.vectors
    queries = query_vectors(bundle, options.queries)
    limit = load_config().catalogue.ann_above_products
    rows = []
    for times in options.times:
        rows.append(measure(grown(vectors, times), queries))
        row, serves = rows[-1], "index" if rows[-1]["vectors"] > limit else "exact"
        print(
            f"{times:4} times, {row['vectors']:>9,.0f} vectors: exact {row['exact_ms']:.2f} CPU-ms, index "
            f"{row['index_ms']:.2f} CPU-ms with recall@{LIST} {row['recall']:.3f} "
            f"(built in {row['build_s']:.0f} CPU-s); {serves} serves",
            flush=True,
        )
    print(
        json.dumps({"ann_above_products": limit, "curve": [{k: round(v, 4) for k, v in row.items()} for row in rows]})
    )


def champion(settings: Settings) -> Bundle:
    """Return the champion's bundle, or exit with an error."""
    return Bundle.open(ModelStore(settings.paths.bentoml).path(champion_version(settings)))


def query_vectors(bundle: Bundle, count: int) -> np.ndarray:
    """Return `count` query vectors of the bundle's golden customers, with random parts of their histories left out."""
    rng = np.random.default_rng(7)
    tower, catalogue = Tower(Path(bundle.path) / QUERY_TOWER), bundle.recommender.catalogue
    known = [customer for g in bundle.golden if not (customer := Customer.from_features(g.features)).is_new]
    people = [_part(known[i % len(known)], rng) for i in range(count)]
    return tower(query_inputs(PurchaseMatrix.of(people, catalogue.index), catalogue.codes))


def _part(customer: Customer, rng: np.random.Generator) -> Customer:
    kept = np.flatnonzero(rng.random(len(customer.product_ids)) < 0.5)
    products = np.asarray(customer.product_ids)[kept]
    history = {name: values[kept] for name, values in customer.history.items()}
    return Customer(products, history, customer.profile, customer.traits)


def grown(vectors: np.ndarray, times: int) -> np.ndarray:
    """Return `times` as many vectors: the given ones, then copies with noise, normalised to length one."""
    rng = np.random.default_rng(7)
    result = np.empty((len(vectors) * times, vectors.shape[1]), np.float32)
    result[: len(vectors)] = vectors
    for copy in range(1, times):
        part = vectors + JITTER * rng.standard_normal(vectors.shape, np.float32)
        result[copy * len(vectors) : (copy + 1) * len(vectors)] = part / np.linalg.norm(part, axis=1, keepdims=True)
    return result


def measure(vectors: np.ndarray, queries: np.ndarray) -> dict[str, float]:
    """Search the products of each query both ways.

    Args:
        vectors: Vectors of the products, float32 `[products, dimensions]`.
        queries: Vectors of the customers, float32 `[queries, dimensions]`.

    Returns:
        Number of vectors, processor time per query (ms) of both searches, recall, and time to build the index (s).
    """
    started = time.process_time()
    index = AnnIndex(vectors)
    built = time.process_time()
    approximate = [index.top(query, LIST) for query in queries]
    searched = time.process_time()
    exact = [top(query @ vectors.T, LIST) for query in queries]
    done = time.process_time()
    return {
        "vectors": len(vectors),
        "exact_ms": (done - searched) / len(queries) * 1e3,
        "index_ms": (searched - built) / len(queries) * 1e3,
        "recall": float(np.mean([np.isin(a, b).mean() for a, b in zip(exact, approximate, strict=True)])),
        "build_s": built - started,
    }


if __name__ == "__main__":
    main()
