"""Compare the expected buyers of coupons with the true ones, by the number of products that a coupon is for.

Audiences are fitted and evaluated on single products; a coupon adds the purchases of its products. The window is the
validation window: eight weeks before the newest features, so that the newest window stays unseen.
"""

import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from features.publication import current_publication
from marketing.audience.curve import reach
from marketing.audience.index import PRODUCT
from marketing.audience.inputs import inputs_of
from marketing.audience.question import MANY_PRODUCTS
from marketing.audience.scorers import AudienceModel
from ml.customers.audiences import Audiences
from ml.customers.audiences.audiences import EVALUATION
from ml.customers.audiences.examples import cut_at
from ml.customers.inputs import Inputs
from settings import load_settings

WEEKS_BEFORE = 8
UP_TO = (1, 5, 20, MANY_PRODUCTS, 300, 10**9)


def main() -> int:
    """Print one line per group of coupons."""
    settings = load_settings()
    publication = current_publication(settings.paths.features)
    folder = settings.paths.features.parent / publication.name
    instants = settings.snapshot_instants(publication.as_of)
    inputs = Inputs(folder, instants, settings.seed, settings.duckdb_memory("20%")).before(WEEKS_BEFORE)
    table = pq.read_table(settings.paths.admitted / "coupons.parquet", columns=["coupon_id", "product_id"])
    products = defaultdict(set)
    for coupon, product in zip(table["coupon_id"].to_pylist(), table["product_id"].to_pylist(), strict=True):
        products[coupon].add(product)
    found = measure(inputs, list(products.values()))
    print("products    coupons   expected / true   share that bought   calibration error   interval holds")
    for low, high in zip((0, *UP_TO), UP_TO, strict=False):
        some = found[(found[:, 0] > low) & (found[:, 0] <= high)]
        if len(some):
            _, expected, bought, customers, error, covered = some.T
            print(
                f"{low + 1:4} to {high:<10,} {len(some):5} {expected.sum() / bought.sum():10.2f} "
                f"{bought.sum() / customers.sum():15.3f} {error.mean():20.3f} {covered.mean():15.2f}"
            )
    return 0


def measure(inputs: Inputs, coupons: Sequence[set[str]]) -> np.ndarray:
    """Return per coupon: products sold, expected buyers, buyers, customers, calibration error, interval holds."""
    rows = []
    with TemporaryDirectory() as folder, threadpool_limits(limits=1):
        Audiences().fit(inputs, Path(folder))
        model = AudienceModel.read(Path(folder))
        with cut_at(inputs, EVALUATION) as cut:
            for products in coupons:
                numbers = sorted(
                    cut.index.numbers[PRODUCT][each] for each in products & cut.index.numbers[PRODUCT].keys()
                )
                if not numbers:
                    continue
                read = inputs_of(cut.index, numbers)
                predicted = model.probabilities(PRODUCT, read)
                bought = np.zeros(len(cut.index.customers), bool)
                for product in products & cut.bought[PRODUCT].keys():
                    bought[cut.bought[PRODUCT][product]] = True
                outcome = bought[read.customers]
                whole = reach(np.sort(predicted)[::-1], len(predicted), model.spread[PRODUCT])
                tenths = np.array_split(np.argsort(predicted), 10)
                error = np.mean([abs(predicted[tenth].mean() - outcome[tenth].mean()) for tenth in tenths])
                covered = whole.low <= outcome.sum() <= whole.high
                rows.append((len(numbers), predicted.sum(), outcome.sum(), len(predicted), error, covered))
    return np.array(rows, float)


if __name__ == "__main__":
    sys.exit(main())
