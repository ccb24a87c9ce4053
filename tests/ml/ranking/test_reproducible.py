"""The same seed gives the same ranker, bit by bit."""

from pathlib import Path

import numpy as np

from ml.config import RankingConfig
from ml.ranking.examples import RankingExamples
from ml.ranking.train import train
from scoring.rank_features import CATEGORICAL, NUMERIC
from scoring.vocabulary import Vocabulary

CONFIG = RankingConfig(rankers=["dlrm"], epochs=2, customers_per_batch=2)
VOCABULARY = Vocabulary({field: [f"{field} {i}" for i in range(4)] for field in CATEGORICAL})


def examples() -> RankingExamples:
    rng = np.random.default_rng(3)
    rows = 40
    return RankingExamples(
        numeric=rng.normal(size=(rows, len(NUMERIC))).astype(np.float32),
        categorical=rng.integers(0, 5, (rows, len(CATEGORICAL))).astype(np.int32),
        bought=np.tile([True, False, False, True], 10),
        is_repeat=np.tile([True, False], 20),
        weight=np.ones(rows, np.float32),
        ends=np.array([13, 27, 40]),
        relevant=np.full((3, 2), 4),
    )


def weights(seed: int, logs: Path) -> list[bytes]:
    model, _ = train("dlrm", [examples()], VOCABULARY, CONFIG, seed, logs)
    return [variable.numpy().tobytes() for variable in model.trainable_variables]


def test_the_same_seed_gives_the_same_weights(tmp_path: Path):
    assert weights(7, tmp_path) == weights(7, tmp_path)


def test_another_seed_gives_other_weights(tmp_path: Path):
    assert weights(7, tmp_path) != weights(8, tmp_path)
