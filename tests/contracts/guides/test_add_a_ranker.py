"""The worked example in docs/add-a-ranker.md works: one file and one line of configuration make a ranker."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ml.__main__ as commands
from ml.config import CONFIG, load_config
from ml.errors import ConfigError
from ml.ranking import models
from ml.runs import artifacts
from ml.runs.spec import RunSpec
from ml.steps.train_ranker import train_ranker
from scoring.bundle import RANKER
from scoring.models.ranker import SLATES, Ranker
from scoring.rank_features import CATEGORICAL, NUMERIC
from settings import ROOT
from tests.support.ml.small_run import write_run

PAGE = (ROOT / "docs" / "add-a-ranker.md").read_text()


def block(language: str) -> str:
    [found] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found


@pytest.fixture
def name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Put the page's file next to the other rankers, and return the name of its ranker."""
    [file] = re.findall(r"\*\*1\. The file\*\*, `ml/ranking/models/(\w+)\.py`", PAGE)
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / f"{file}.py").write_text(block("python"))
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(folder)])
    yield file
    sys.modules.pop(f"{models.__name__}.{file}", None)
    vars(models).pop(file, None)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The packaged configuration with the page's line."""
    changed, lines = re.subn(r"^rankers = .*\n", block("toml"), CONFIG.read_text(), flags=re.MULTILINE)
    assert lines == 1
    path = tmp_path / "config.toml"
    path.write_text(changed)
    return path


def test_one_line_lets_the_new_ranker_compete_beside_the_others(
    name: str, config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(commands, "load_config", lambda own: load_config(config))
    assert commands.main(["rankers"]) == 0  # what Airflow makes a mapped task of, one each
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == [*load_config().ranking.rankers, name]


def test_the_new_ranker_trains_and_serves_by_its_name(name: str, config: Path, tmp_path: Path):
    run = write_run(tmp_path / "runs")
    replace(RunSpec.read(run), config=load_config(config)).write(run)
    train_ranker(run, name)
    rng = np.random.default_rng(1)
    numeric = rng.normal(size=(5, len(NUMERIC))).astype(np.float32)
    scores = Ranker(run.path(artifacts.ranker_folder(name)) / RANKER)(
        numeric, np.zeros((5, len(CATEGORICAL)), np.int32)
    )
    assert scores.shape == (5, len(SLATES))
    assert np.isfinite(scores).all()
    assert len(np.unique(scores)) > 2  # it looks at the features


def test_a_file_of_two_models_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    source = "from ml.keras_setup import keras\nclass A(keras.Model): pass\nclass B(keras.Model): pass\n"
    (tmp_path / "twins.py").write_text(source)
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
    with pytest.raises(ConfigError, match=r"twins\.py holds 2 Keras models"):
        models.ranker_class("twins")
    sys.modules.pop(f"{models.__name__}.twins")


def test_reading_the_names_takes_no_tensorflow():
    code = "import sys; from ml.config import load_config; load_config(); sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
