"""The judged customers' candidates, made once, to judge a ranker as often as one likes while it trains."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.evaluation.ground_truth import Lists, Slates, Truth, judge
from ml.evaluation.metrics import DEPTH, mean
from ml.runs.run import Run
from ml.runs.spec import RunSpec, dataset
from ml.steps.evaluate import Window
from ml.steps.generate_candidates import catalogue_at, retriever_with
from scoring.models.ranker import SLATES
from scoring.rank_features import cross_features


@dataclass(frozen=True)
class Validation:
    """The candidates of the judged customers with their features, made once, and what they bought.

    numeric, categorical: `[rows, …]`; positions, is_repeat, popularity: `[rows]`; ends: `[customers]`, as in
    `RankingExamples`.
    """

    numeric: np.ndarray
    categorical: np.ndarray
    positions: np.ndarray
    is_repeat: np.ndarray
    popularity: np.ndarray
    ends: np.ndarray
    truth: Truth

    @classmethod
    def of(cls, run: Run, spec: RunSpec) -> "Validation":
        data, judged = dataset(run), spec.split.evaluation
        ids, everyone = data.customers(judged)
        catalogue = catalogue_at(run, spec, data, judged, everyone)
        window = Window.of(ids, everyone, data.labels(judged), catalogue)
        numeric, categorical, positions, own = [], [], [], []
        for block, gathered in retriever_with(run, spec, catalogue).candidates(window.customers):
            for row, found in enumerate(gathered):
                features = cross_features(block, row, found)
                numeric.append(features[0])
                categorical.append(features[1])
                positions.append(found.positions)
                own.append(found.is_repeat)
        flat = np.concatenate(positions)
        ends = np.cumsum([len(rows) for rows in positions])
        parts = np.concatenate(numeric), np.concatenate(categorical), flat, np.concatenate(own)
        return cls(*parts, catalogue.popularity[flat], ends, window.truth)

    def scores(self, model: Any) -> dict[str, float]:
        """Every score of a ranker as it is now; a Keras model from features to a column of scores a slate."""
        size = 16_384
        chunks = [slice(start, start + size) for start in range(0, len(self.positions), size)]
        values = np.concatenate([np.asarray(model(self.numeric[c], self.categorical[c])) for c in chunks])
        judged = judge(self.truth, self.slates(values))
        return {name: mean(found) for name, found in judged.items()}

    def slates(self, values: np.ndarray) -> Slates:
        """The candidates in the order of `values` `[rows, len(SLATES)]`, ties as in `scoring.recommender`."""
        lists: Slates = {}
        for column, slate in enumerate(SLATES):
            best, scores = [], []
            for begin, end in zip([0, *self.ends[:-1]], self.ends, strict=True):
                rows = np.arange(begin, end)
                if slate == "explore":
                    rows = rows[~self.is_repeat[rows]]
                score = values[rows, column]
                order = np.lexsort((self.positions[rows], -self.popularity[rows], -score))[:DEPTH]
                best.append(self.positions[rows[order]])
                scores.append(score[order])
            lists[slate] = Lists.of(best, scores)
        return lists
