"""Replace Reach's ranker by LightGBM's lambdarank (Burges 2010; Ke et al. 2017).

It gets the input of Reach's rankers: the run's candidates with their features at the ranker snapshots, and candidates
and features from the same code at the evaluated snapshot. One model ranks all candidates. A second one, trained on
products new to the customer, ranks `explore`. The run's towers and EASE generate the candidates, so the seconds count
the trees, the evaluated candidates and their ranking, but not the training of the towers.
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
    """Score candidates by two boosters, one column per slate, as a ranker does."""

    def __init__(self, boosters: Sequence[lightgbm.Booster]):
        self._boosters = boosters

    def __call__(self, numeric: np.ndarray, categorical: np.ndarray) -> np.ndarray:
        """Return the scores of candidates, float32 `[rows, slates]`."""
        features = _features(numeric, categorical)
        return np.column_stack([booster.predict(features) for booster in self._boosters]).astype(np.float32)


def fit_and_list(data: PeerData) -> Slates:
    """Fit on every ranker snapshot of the run, and make lists by the code of Reach."""
    snapshots = load_examples(data.run, data.spec)
    trees = Trees([fit(snapshots, new_only, data.spec.seed) for new_only in (False, True)])
    catalogue = EvaluatedRun.at_snapshot(data.run).catalogue()
    recommender = Recommender(retriever_with(data.run, data.spec, catalogue), trees)  # type: ignore[arg-type]
    return recommend_lists(recommender, data.window.customers)[0]


def fit(snapshots: Sequence[RankingExamples], new_only: bool, seed: int, rounds: int = ROUNDS) -> lightgbm.Booster:
    """Fit one booster on all snapshots, with one query per customer and snapshot.

    Args:
        snapshots: Training lists.
        new_only: Train only on candidates that the customer never bought before.
        seed: Seed of the booster.
        rounds: Number of trees.
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
    """Return one float32 matrix, in which vocabulary numbers are small enough to be exact."""
    return np.concatenate([numeric, categorical.astype(np.float32)], axis=1)
