"""Checks that features and labels contain no information from after their snapshot.

The checks recount features from other parts of the dataset. Histories at a later snapshot contain the first and last
day of each product, labels contain the purchases of each window, and histories add up to the products' counts. Features
that were computed a week too late or count the evaluation window, and labels of the wrong weeks, contradict one of
these. Prices, promotions and traits cannot be recounted from purchases, so only the plausibility ceiling covers them.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np

from ml.gate.purchase_evidence import (
    BUYER_WEEKS,
    CLOCK_TOLERANCE_DAYS,
    FIRST_BUYER_WEEKS,
    HISTORY_SUMS,
    PurchaseEvidence,
    SnapshotFeatures,
    product_of,
)


def find_leaks(purchases: PurchaseEvidence) -> list[str]:
    """Return one sentence for every contradiction, none if everything that can be checked agrees."""
    found = [*_training_windows(purchases)]
    for at, known in purchases.known.items():
        day = f"{at:%Y-%m-%d}"
        found += [f"customer features at {day}: {sentence}" for sentence in _customer_histories(purchases, at, known)]
        found += [f"product features at {day}: {sentence}" for sentence in _product_counts(known)]
    return found


def _training_windows(purchases: PurchaseEvidence) -> Iterator[str]:
    """Check that every training label ends before the evaluation window begins."""
    evaluation = purchases.split.evaluation
    for model, cuts in (("ranker", purchases.split.ranker), ("two-tower", purchases.split.retrieval)):
        for cut in cuts:
            if cut + purchases.horizon > evaluation + timedelta(days=CLOCK_TOLERANCE_DAYS):
                yield (
                    f"the test window is in training: the {model} trains on purchases until "
                    f"{cut + purchases.horizon:%Y-%m-%d} and is evaluated on those from {evaluation:%Y-%m-%d} on"
                )


def _customer_histories(purchases: PurchaseEvidence, at: datetime, known: SnapshotFeatures) -> Iterator[str]:
    now = purchases.known[purchases.split.now]
    age = (purchases.split.now - at) / timedelta(days=1)
    last, first = known.history["days_since_last"], known.history["days_since_first"]

    index, both = _find(now.keys, known.keys)
    later = both & (now.history["days_since_first"][index] < age - CLOCK_TOLERANCE_DAYS)
    yield from _counted(later.sum() + (~both).sum(), "products in histories were first bought after it")
    lost = np.isin(now.keys[now.history["days_since_first"] > age + CLOCK_TOLERANCE_DAYS], known.keys, invert=True)
    yield from _counted(lost.sum(), "products bought before it are missing from histories")
    yield from _counted((last < -CLOCK_TOLERANCE_DAYS).sum(), "last purchases lie after it")
    # A product that was last bought before the snapshot has not changed since, except for its age.
    rests = both & (now.history["days_since_last"][index] > age + CLOCK_TOLERANCE_DAYS)
    moved = np.abs(now.history["days_since_last"][index] - age - last) > CLOCK_TOLERANCE_DAYS
    moved |= np.abs(now.history["days_since_first"][index] - age - first) > CLOCK_TOLERANCE_DAYS
    moved |= now.history["baskets"][index] != known.history["baskets"]
    yield from _counted(
        (rests & moved).sum(), "purchases are dated or counted differently than later snapshots have them"
    )

    label, window = purchases.before(at), f"baskets_{purchases.horizon.days // 7}w"
    if label is not None and window in known.history:
        recent = known.keys[known.history[window] > 0]
        apart = len(np.setxor1d(recent, purchases.labels[label], assume_unique=True))
        yield from _counted(apart, f"products counted in {window} are not those of the labels from {label:%Y-%m-%d} on")

    for weeks in (2, 4, 8, 13):
        inside = known.history[f"baskets_{weeks}w"] > 0
        wrong = np.where(inside, last > 7 * weeks + CLOCK_TOLERANCE_DAYS, last < 7 * weeks - CLOCK_TOLERANCE_DAYS)
        yield from _counted(wrong.sum(), f"counts of baskets_{weeks}w contradict the day of the last purchase")
    for days in (20, 60, 120):
        # No basket has a greater weight than the last one.
        weight, value = np.exp(-last / days), known.history[f"decayed_{days}d"]
        wrong = (value > known.history["baskets"] * weight * 1.01) | (value < weight * 0.99)
        yield from _counted(wrong.sum(), f"sums of decayed_{days}d contradict the day of the last purchase")


def _product_counts(known: SnapshotFeatures) -> Iterator[str]:
    """Compare counts of products with the histories of all customers."""
    order = np.argsort(known.product)
    index, offered = _find(known.product[order], product_of(known.keys))
    at = order[index][offered]

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(at, values[offered].astype(np.float64), minlength=len(known.product))

    baskets, last = known.history["baskets"], known.history["days_since_last"]
    first = known.history["days_since_first"]
    expected = {name: (total(known.history[column]),) * 2 for name, column in HISTORY_SUMS.items()}
    expected |= {"buyers": (total(baskets > 0),) * 2, "rebuyers": (total(baskets > 1),) * 2}
    for windows, day in ((BUYER_WEEKS, last), (FIRST_BUYER_WEEKS, first)):
        for name, weeks in windows.items():
            expected[name] = (
                total(day < 7 * weeks - CLOCK_TOLERANCE_DAYS),
                total(day <= 7 * weeks + CLOCK_TOLERANCE_DAYS),
            )
    for name, (least, most) in expected.items():
        wrong = (known.activity[name] < least - 0.5) | (known.activity[name] > most + 0.5)
        yield from _counted(wrong.sum(), f"values of {name} are not what the customers' histories add up to")


def _counted(count: int, what: str) -> Iterator[str]:
    if count:
        yield f"{int(count):,} {what}"


def _find(among: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the index of each wanted value among sorted ones (arbitrary if it is missing), and whether it is there."""
    index = np.minimum(np.searchsorted(among, wanted), max(len(among) - 1, 0))
    return index, (among[index] == wanted) if len(among) else np.zeros(len(wanted), bool)
