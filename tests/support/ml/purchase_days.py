"""A small shop whose every purchase has a day, so that features can be recounted by hand: days count from 0."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from ml.data.splits import Split
from ml.evaluation.ground_truth import GroundTruth, RankedLists, Slates
from ml.gate.purchase_evidence import PurchaseEvidence, SnapshotFeatures, key
from ml.metrics import DEPTH

HORIZON = 28
PRODUCTS = 500
FIRST = datetime(2020, 1, 6)
SPLIT_DAYS: dict[str, Any] = {"now": 280, "evaluation": 252, "ranker": [224, 210], "retrieval": [182]}


def instant(day: int) -> datetime:
    return FIRST + timedelta(days=day)


SPLIT = Split(now=instant(280), evaluation=instant(252), ranker=[instant(224), instant(210)], retrieval=[instant(182)])


@dataclass(frozen=True)
class Shop:
    """customer, product, day: `[purchases]`; likes: how much each customer likes each product."""

    customer: np.ndarray
    product: np.ndarray
    day: np.ndarray
    likes: np.ndarray

    @classmethod
    def open(cls, customers: int, seed: int = 3) -> "Shop":
        rng = np.random.default_rng(seed)
        fame = rng.permutation(1.0 / np.arange(3, PRODUCTS + 3))
        likes = fame * rng.gamma(0.15, size=(customers, PRODUCTS))
        likes /= likes.sum(axis=1, keepdims=True)
        counts = rng.integers(40, 160, customers)
        product = np.concatenate([rng.choice(PRODUCTS, n, p=likes[row]) for row, n in enumerate(counts)])
        day = rng.integers(0, SPLIT_DAYS["now"], counts.sum()) + 0.5
        return cls(np.repeat(np.arange(customers), counts), product, day, likes)

    def known(self, at: int) -> SnapshotFeatures:
        """Features of a snapshot, recounted purchase by purchase; one purchase is one basket here."""
        before = self.day < at
        age, pairs = at - self.day[before], key(self.customer[before], self.product[before])
        keys, entry = np.unique(pairs, return_inverse=True)
        last, first = np.full(len(keys), np.inf), np.zeros(len(keys))
        np.minimum.at(last, entry, age)
        np.maximum.at(first, entry, age)
        history = {"baskets": np.bincount(entry), "days_since_last": last, "days_since_first": first}
        history |= {f"decayed_{days}d": np.bincount(entry, np.exp(-age / days)) for days in (20, 60, 120)}
        history |= {f"baskets_{weeks}w": np.bincount(entry, age < 7 * weeks) for weeks in (2, 4, 8, 13)}
        products = keys & 0xFFFFFFFF

        def total(values: np.ndarray) -> np.ndarray:
            return np.bincount(products, values, minlength=PRODUCTS)

        activity = {name: total(history[name]) for name in ("baskets", "baskets_4w", "baskets_13w")}
        activity |= {f"buyers_{weeks}w": total(last < 7 * weeks) for weeks in (1, 2, 4, 8, 13, 26)}
        activity |= {f"first_buyers_{weeks}w": total(first < 7 * weeks) for weeks in (4, 8)}
        activity |= {"buyers": total(last > 0), "rebuyers": total(history["baskets"] > 1)}
        return SnapshotFeatures(keys, history, np.arange(PRODUCTS), activity)

    def bought(self, at: int) -> np.ndarray:
        """Return the keys of purchases in the horizon after a day."""
        inside = (self.day >= at) & (self.day < at + HORIZON)
        return np.unique(key(self.customer[inside], self.product[inside]))

    def purchases(self) -> PurchaseEvidence:
        cuts = [SPLIT_DAYS["now"], SPLIT_DAYS["evaluation"], *SPLIT_DAYS["ranker"]]
        labelled = [SPLIT_DAYS["evaluation"], *SPLIT_DAYS["ranker"], *SPLIT_DAYS["retrieval"]]
        return PurchaseEvidence(
            SPLIT,
            timedelta(days=HORIZON),
            {instant(day): self.known(day) for day in cuts},
            {instant(day): self.bought(day) for day in labelled},
        )

    def truth(self) -> GroundTruth:
        """Return the evaluation window; every customer of this shop buys in it."""
        window, known = self.bought(SPLIT_DAYS["evaluation"]), self.known(SPLIT_DAYS["evaluation"])
        customers = np.unique(window >> 32)
        return GroundTruth(
            customer_ids=[f"c{customer}" for customer in customers],
            bought=[window[window >> 32 == customer] & 0xFFFFFFFF for customer in customers],
            history=[known.keys[known.keys >> 32 == customer] & 0xFFFFFFFF for customer in customers],
            missing=np.zeros(len(customers), int),
        )

    def lists(self, truth: GroundTruth, insight: float) -> Slates:
        """A method's lists: what the customer bought before, popularity, and `insight` into what is liked.

        None (popularity alone) is an insight of NaN.
        """
        known = self.known(SPLIT_DAYS["evaluation"])
        popular = np.broadcast_to(known.activity["buyers_4w"] / 1e4, (len(truth.customer_ids), PRODUCTS))
        score = popular.copy()
        if not np.isnan(insight):
            counts = np.zeros((len(self.likes), PRODUCTS))
            counts[known.keys >> 32, known.keys & 0xFFFFFFFF] = known.history["decayed_120d"]
            rows = np.array([int(name[1:]) for name in truth.customer_ids])
            score += (1 - insight) * counts[rows] / counts[rows].sum(axis=1, keepdims=True) + insight * self.likes[rows]
        new = score.copy()
        for row, own in enumerate(truth.history):
            new[row, own] = -np.inf
        return {"all": best(score), "explore": best(new)}


def best(scores: np.ndarray) -> RankedLists:
    order: np.ndarray = np.argsort(-scores, axis=1, kind="stable")[:, :DEPTH]
    return RankedLists.of(list(order), [row[places] for row, places in zip(scores, order, strict=True)])
