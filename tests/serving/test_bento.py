"""A Bento built from the champion: one pinned bundle, the code, the lock's packages; it answers alike."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from registry.bento import build
from scoring.bundle import Bundle
from scoring.request import RecommendationRequest
from settings import ROOT
from tests.support.serving.running import ask, install, serve, wait_until_ready

UV = shutil.which("uv") or shutil.which("uv", path=str(ROOT / ".uv" / "bin"))
pytestmark = pytest.mark.skipif(UV is None, reason="no uv, which reads the lock: run 'make setup'")


def test_a_bento_serves_its_own_bundle_whatever_the_champion_is_now(tmp_path: Path) -> None:
    installation = install(tmp_path / "data", "v1", "v2")
    installation.deploy("v1")
    tag = build(installation.paths, "v1")
    installation.deploy("v2")

    bento = installation.paths.bentoml / "bentos" / "reach" / "v1"
    described = yaml.safe_load((bento / "bento.yaml").read_text())
    assert tag == "reach:v1"
    assert [model["tag"] for model in described["models"]] == ["reach-recommender:v1"]
    _check_content(bento)

    expected = Bundle.open(installation.store.path("v1")).recommender
    with serve(installation, bento=tag) as client:
        wait_until_ready(client, installation)
        for slate in ("all", "explore"):
            answer = ask(client, "nobody", slate=slate, k=7).json()
            assert answer["model_version"] == "v1"
            items = expected.recommend(None, RecommendationRequest(slate, 7)).items
            # The API gives an empty text as null.
            assert answer["items"] == [
                {name: None if v == "" else v for name, v in vars(item).items()} for item in items
            ]


def _check_content(bento: Path) -> None:
    """Code that serving needs and no more; every package pinned, TensorFlow and Airflow not among them."""
    rooms = {path.name for path in (bento / "src").iterdir() if path.is_dir()}
    of_serving = {"core", "events", "features", "feature_repo", "feature_store", "registry", "scoring", "serving"}
    assert rooms == of_serving | {"customer_scores", "experiments", "marketing", "online_experiments", "outbox"}
    assert {file.name for file in (bento / "src" / "serving" / "ui" / "static").iterdir()} == {
        file.name for file in (ROOT / "serving" / "ui" / "static").iterdir()
    }
    for policy in ("core/restricted.toml", "marketing/campaigns/policy/contact_policy.toml"):
        assert (bento / "src" / policy).is_file(), "read with the first consent and when a version is opened"
    requirements = (bento / "env" / "python" / "requirements.txt").read_text().splitlines()
    packages = {re.split(r"[=\[; ]", line)[0] for line in requirements if line and not line.startswith(("#", "-"))}
    assert {"bentoml", "onnxruntime", "feast", "numpy", "pydantic-settings"} <= packages
    assert {"redis", "confluent-kafka", "faiss-cpu"} <= packages, "what a setting or a large catalogue asks for"
    assert not packages & {"tensorflow", "apache-airflow", "dbt-core", "great-expectations"}
    assert all("==" in line for line in requirements if line and not line.startswith(("#", "-")))


def test_a_build_is_repeated_only_if_asked_or_if_the_last_one_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = install(tmp_path / "data", "v1")
    built = installation.paths.bentoml / "bentos" / "reach" / "v1"
    runs: list[str] = []

    def bentoml_build(context: Path, version: str, environment: dict[str, str]) -> None:
        runs.append((context / "bentofile.yaml").read_text())
        built.mkdir(parents=True)

    monkeypatch.setattr("registry.bento._run_bentoml", bentoml_build)
    build(installation.paths, "v1")
    build(installation.paths, "v1")
    assert len(runs) == 1
    assert yaml.safe_load(runs[0])["models"] == ["reach-recommender:v1"]

    build(installation.paths, "v1", again=True)
    assert len(runs) == 2

    def killed(context: Path, version: str, environment: dict[str, str]) -> None:
        built.mkdir(parents=True)
        raise KeyboardInterrupt

    monkeypatch.setattr("registry.bento._run_bentoml", killed)
    with pytest.raises(KeyboardInterrupt):
        build(installation.paths, "v1", again=True)
    monkeypatch.setattr("registry.bento._run_bentoml", bentoml_build)
    build(installation.paths, "v1")
    assert len(runs) == 3
