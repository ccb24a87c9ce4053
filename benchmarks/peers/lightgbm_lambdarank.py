"""LightGBM's lambdarank (Burges 2010; Ke et al. 2017) in the place of Reach's ranker.

It gets all that Reach's rankers get: the run's candidates with their features at the ranker snapshots, and at the
judged snapshot candidates and features from the same code. One model ranks all candidates, a second one, trained on
products new to the customer, ranks `explore`. What made the candidates (towers, EASE) is the run's, so its seconds
count fitting the trees, the judged candidates and ranking them, but not the training of the towers.
"""

from collections.abc import Sequence

import lightgbm
import numpy as np

from benchmarks.peers.data import PeerData
from ml.evaluation.evaluated_run import EvaluatedRun, recommend_lists, retriever_with
from ml.evaluation.ground_truth import Slates
from ml.ranking.examples import RankingExamples, load_examples
from scoring.rank_features import CATEGORICAL, NUMERIC
from scoring.recommender import Recommender

ROUNDS = 250
PARAMETERS = {
    "objective": "lambdarank",
    "lambdarank_truncation_level": 30,
    "learning_rate": 0.05,
    "num_leaves": 63,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}


class Trees:
    """Two boosters where a ranker is expected: one column of scores a slate."""

    def __init__(self, boosters: Sequence[lightgbm.Booster]):
        self._boosters = boosters

    def __call__(self, numeric: np.ndarray, categorical: np.ndarray) -> np.ndarray:
        features = _features(numeric, categorical)
        return np.column_stack([booster.predict(features) for booster in self._boosters]).astype(np.float32)


def fit_and_list(data: PeerData) -> Slates:
    """Fit on every ranker snapshot of the run; list by the code that lists for Reach."""
    snapshots = load_examples(data.run, data.spec)
    trees = Trees([fit(snapshots, new_only, data.spec.seed) for new_only in (False, True)])
    catalogue = EvaluatedRun.at_snapshot(data.run).catalogue()
    recommender = Recommender(retriever_with(data.run, data.spec, catalogue), trees)  # type: ignore[arg-type]
    return recommend_lists(recommender, data.window.customers)[0]


def fit(snapshots: Sequence[RankingExamples], new_only: bool, seed: int, rounds: int = ROUNDS) -> lightgbm.Booster:
    """One booster over all snapshots, a query a customer and snapshot.

    new_only: learn from the candidates that the customer never bought before.
    """
    features, labels, weights, queries = [], [], [], []
    for part in snapshots:
        keep = ~np.asarray(part.is_repeat) if new_only else np.ones(len(part.bought), bool)
        features.append(_features(part.numeric[keep], part.categorical[keep]))
        labels.append(part.bought[keep])
        weights.append(part.weight[keep])
        counted = np.concatenate([[0], np.cumsum(keep)])[np.concatenate([[0], part.ends])]
        sizes = np.diff(counted)
        queries.append(sizes[sizes > 0])
    train = lightgbm.Dataset(
        features,
        np.concatenate(labels).astype(np.int8),
        weight=np.concatenate(weights),
        group=np.concatenate(queries),
        categorical_feature=list(range(len(NUMERIC), len(NUMERIC) + len(CATEGORICAL))),
        params={"max_bin": 127},
        free_raw_data=True,
    )
    return lightgbm.train(PARAMETERS | {"seed": seed}, train, num_boost_round=rounds)


def _features(numeric: np.ndarray, categorical: np.ndarray) -> np.ndarray:
    """One float32 matrix; vocabulary numbers are small enough to be exact in it."""
    return np.concatenate([numeric, categorical.astype(np.float32)], axis=1)
