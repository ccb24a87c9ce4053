"""Features and labels that contain the future contradict other records of purchases."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ml.gate.leakage import find_leaks
from ml.gate.purchase_evidence import PurchaseEvidence, SnapshotFeatures
from ml.gate.synthetic_effects import inject_leaks
from tests.support.ml.purchase_days import SPLIT, Shop


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop.open(customers=60)


def with_history(purchases: PurchaseEvidence, **columns: np.ndarray) -> PurchaseEvidence:
    known = purchases.known[SPLIT.evaluation]
    changed = replace(known, history={**known.history, **columns})
    return replace(purchases, known={**purchases.known, SPLIT.evaluation: changed})


def with_known(purchases: PurchaseEvidence, known: SnapshotFeatures) -> PurchaseEvidence:
    return replace(purchases, known={**purchases.known, SPLIT.evaluation: known})


def test_sound_features_contradict_nothing(shop: Shop):
    assert find_leaks(shop.purchases()) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a feature one week too new", "values of buyers_4w are not what the customers' histories add up to"),
        ("the target's popularity", "values of buyers_4w are not what the customers' histories add up to"),
        ("the test window in training", "the test window is in training: the ranker trains on purchases until"),
    ],
)
def test_each_leak_is_named(shop: Shop, name: str, reason: str):
    assert any(reason in sentence for sentence in find_leaks(inject_leaks(shop.purchases())[name]))


@pytest.mark.parametrize(
    ("plant", "reason"),
    [
        pytest.param(
            lambda shop, sound: with_known(sound, shop.known(259)),
            "products in histories were first bought after it",
            id="all features a week too new",
        ),
        pytest.param(
            lambda shop, sound: with_known(sound, shop.known(245)),
            "products bought before it are missing from histories",
            id="all features a week too old",
        ),
        pytest.param(
            lambda shop, sound: with_history(sound, baskets_2w=sound.known[SPLIT.evaluation].history["baskets_4w"]),
            "counts of baskets_2w contradict the day of the last purchase",
            id="a wider window",
        ),
        pytest.param(
            lambda shop, sound: with_history(sound, decayed_20d=too_new(shop)),
            "sums of decayed_20d contradict the day of the last purchase",
            id="a decay that contains the next week",
        ),
        pytest.param(
            lambda shop, sound: with_history(
                sound, days_since_last=sound.known[SPLIT.evaluation].history["days_since_last"] - 7
            ),
            "last purchases lie after it",
            id="days counted from next week",
        ),
        pytest.param(
            lambda shop, sound: with_history(
                sound, days_since_first=sound.known[SPLIT.evaluation].history["days_since_first"] + 7
            ),
            "purchases are dated or counted differently than later snapshots have them",
            id="first purchases dated otherwise",
        ),
        pytest.param(
            lambda shop, sound: with_history(sound, baskets=sound.known[SPLIT.evaluation].history["baskets"] + 1),
            "purchases are dated or counted differently than later snapshots have them",
            id="one basket too many",
        ),
        pytest.param(
            lambda shop, sound: replace(
                sound, labels={**sound.labels, SPLIT.ranker[0]: sound.labels[SPLIT.evaluation]}
            ),
            "products counted in baskets_4w are not those of the labels",
            id="labels of the evaluation window in training",
        ),
    ],
)
def test_what_knows_too_much_is_found(
    shop: Shop, plant: Callable[[Shop, PurchaseEvidence], PurchaseEvidence], reason: str
):
    found = find_leaks(plant(shop, shop.purchases()))
    assert any(sentence.split(": ")[1].split(" ", 1)[1].startswith(reason) for sentence in found), found


def too_new(shop: Shop) -> np.ndarray:
    """Return features in which `decayed_20d` of the evaluated snapshot is that of a week later."""
    now, later = shop.known(252), shop.known(259)
    return later.history["decayed_20d"][np.searchsorted(later.keys, now.keys)]


def test_the_towers_windows_are_looked_at_too(shop: Shop):
    sound = shop.purchases()
    late = replace(sound, split=replace(SPLIT, retrieval=[SPLIT.ranker[0], *SPLIT.retrieval]))
    assert find_leaks(late) == []  # it ends where the evaluation window begins
    late = replace(sound, split=replace(SPLIT, retrieval=[SPLIT.evaluation]))
    assert [sentence for sentence in find_leaks(late) if "the two-tower trains on purchases until" in sentence]
