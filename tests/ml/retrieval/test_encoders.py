"""Encoders of the query tower: they compete, the better one is served, and what is served is what was trained."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.config import RetrievalConfig, load_config
from ml.data.dataset import Dataset
from ml.errors import ConfigError
from ml.retrieval.encoders import encoder_classes
from ml.retrieval.model import TwoTower
from ml.retrieval.train import export
from ml.runs import artifacts
from ml.runs.run import Run
from ml.runs.spec import RunSpec
from ml.steps.train_retrieval import HeldOut, train_retrieval
from scoring.bundle import CANDIDATE_TOWER, QUERY_TOWER, VOCABULARY
from scoring.models.two_tower import (
    HISTORY_LENGTH,
    HISTORY_WEIGHTS,
    QUERY_FIELDS,
    SEQUENCE_LENGTH,
    SEQUENCE_TIMES,
    Tower,
)
from scoring.schema import PROFILE
from scoring.vocabulary import Vocabulary
from tests.support.benchmarks.small_run import RANKER, write_run

FIELDS = ("product_id", "product_type", "category", "department", "manufacturer_id", "brand")
WORDS = Vocabulary({field: [f"{field} {i}" for i in range(9)] for field in FIELDS})


def inputs(rows: int = 3, steps: int = 5) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    history, sequence = (rows, HISTORY_LENGTH), (rows, SEQUENCE_LENGTH)
    mask = np.zeros(sequence, np.float32)
    mask[:, :steps] = 1.0
    mask[-1] = 0.0  # a customer without a history
    return (
        {f"history_{field}": rng.integers(0, 10, history, dtype=np.int32) for field in QUERY_FIELDS}
        | {f"sequence_{field}": rng.integers(0, 10, sequence, dtype=np.int32) for field in QUERY_FIELDS}
        | {
            "history_weights": rng.random((*history, len(HISTORY_WEIGHTS)), dtype=np.float32) / 50,
            "sequence_times": rng.random((*sequence, len(SEQUENCE_TIMES)), dtype=np.float32),
            "sequence_mask": mask,
            "profile": rng.random((rows, len(PROFILE)), dtype=np.float32),
        }
    )


def competing(tmp_path: Path, *names: str) -> Run:
    run = write_run(tmp_path / "runs")
    spec = RunSpec.read(run)
    retrieval = spec.config.retrieval.model_copy(
        update={
            "history_encoders": list(names),
            "epochs": 1,
            "pretraining_epochs": 1,
            "uniform_negatives": 8,
            "customers_per_batch": 4,
        }
    )
    replace(spec, config=spec.config.model_copy(update={"retrieval": retrieval})).write(run)
    return run


def test_an_unknown_encoder_is_refused_with_the_known_ones(tmp_path: Path):
    path = tmp_path / "config.toml"
    path.write_text('[sources]\n[retrieval]\nhistory_encoders = ["pooled", "pooled+lstm"]\n')
    with pytest.raises(ConfigError, match=r"no encoder 'lstm'\. Known encoders: gru, pooled"):
        load_config(path)
    with pytest.raises(ConfigError, match="no encoder 'lstm'"):
        encoder_classes("lstm")


@pytest.mark.parametrize("encoder", ["pooled", "gru", "pooled+gru"])
def test_onnx_runtime_gives_the_vectors_that_tensorflow_gave(encoder: str, tmp_path: Path):
    model, given = TwoTower(WORDS, RetrievalConfig(), encoder), inputs()
    trained = model.query_tower({name: given[name] for name in model.query_tower.signature()}).numpy()
    export(model, tmp_path / QUERY_TOWER, tmp_path / CANDIDATE_TOWER)
    np.testing.assert_allclose(Tower(tmp_path / QUERY_TOWER)(given), trained, atol=1e-5)


def test_what_stands_behind_the_end_of_a_sequence_says_nothing(tmp_path: Path):
    tower, given = TwoTower(WORDS, RetrievalConfig(), "gru").query_tower, inputs()
    padded = {name: values.copy() for name, values in given.items()}
    padded["sequence_product_id"][:, 5:] = 3
    padded["sequence_times"][:, 5:] = 9.0
    np.testing.assert_allclose(tower(padded).numpy(), tower(given).numpy(), atol=1e-6)


def test_order_and_elapsed_days_matter_to_the_sequence_encoder():
    tower, given = TwoTower(WORDS, RetrievalConfig(), "gru").query_tower, inputs()
    turned = given | {
        "sequence_product_id": given["sequence_product_id"][:, [4, 3, 2, 1, 0, *range(5, SEQUENCE_LENGTH)]]
    }
    later = given | {"sequence_times": given["sequence_times"] + 1.0}
    for changed in (turned, later):
        assert np.abs(tower(changed).numpy()[:2] - tower(given).numpy()[:2]).max() > 1e-3


def test_the_encoder_that_finds_more_on_the_snapshot_held_out_is_served(tmp_path: Path, monkeypatch):
    recalls = iter([0.0, 0.1, 0.3, 0.2])  # of each after the histories, then at the end
    monkeypatch.setattr(HeldOut, "recall", lambda *_: next(recalls))
    run = competing(tmp_path, "pooled", "gru")
    assert train_retrieval(run)["encoder"] == "gru"
    said = json.loads(run.path(artifacts.ENCODERS).read_text())
    assert said["chosen"] == "gru"
    assert {name: scores["explore Recall@100"] for name, scores in said["scores"].items()} == {
        "pooled": 0.1,
        "gru": 0.2,
    }
    served = Tower(run.path(artifacts.RETRIEVAL) / QUERY_TOWER)
    assert served.reads_sequences
    curve = run.read_json(artifacts.RETRIEVAL_CURVE)
    assert [(row["phase"], row["epoch"], row["recall"]) for row in curve] == [
        ("masked histories", 1, 0.3),
        ("new purchases", 2, 0.2),
    ]


def test_equal_encoders_leave_the_first_one(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(HeldOut, "recall", lambda *_: 0.1)
    run = competing(tmp_path, "pooled", "pooled+pooled")
    assert train_retrieval(run)["encoder"] == "pooled"
    assert set(run.read_json(artifacts.ENCODERS)["scores"]) == {"pooled", "pooled+pooled"}


def test_a_catalogue_smaller_than_the_list_is_found_whole(tmp_path: Path):
    run = competing(tmp_path, "pooled")
    held_out = HeldOut(Dataset(run.path(artifacts.DATASET)), RANKER, _vocabulary(run), sequences=False)
    assert held_out.recall(TwoTower(_vocabulary(run), RetrievalConfig(), "pooled")) == 1.0


def _vocabulary(run: Run) -> Vocabulary:
    return Vocabulary.load(run.path(artifacts.RETRIEVAL) / VOCABULARY)
