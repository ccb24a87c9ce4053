"""Valid means: made of the same content, and still there."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.build.fingerprint import BuildCache, build_inputs
from settings import Settings

PACKAGES = (
    "core",
    "landing",
    "dbt",
    "features",
    "feature_repo",
    "feature_store",
    "quality",
    "ml",
    "experiments",
    "scoring",
    "registry",
)


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project in place of this one."""
    root = tmp_path / "code"
    for package in PACKAGES:
        (root / package).mkdir(parents=True)
        (root / package / "code.py").write_text(f"# {package}")
    (root / "settings.py").write_text("# settings")
    (root / "uv.lock").write_text("# lock")
    monkeypatch.setattr("local.build.fingerprint.ROOT", root)
    return root


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    folder = tmp_path / "landing"
    folder.mkdir()
    (folder / "transactions.csv").write_text("1,2,3\n")
    return folder


def settings_of(tmp_path: Path, **values: Any) -> Settings:
    return Settings(data=tmp_path / "data", **values)


def test_the_same_content_is_wanted_twice(tmp_path: Path, code: Path, landing: Path) -> None:
    settings = settings_of(tmp_path, landing=landing)
    first = build_inputs(settings, None)
    (landing / "transactions.csv").touch()
    (code / "ml" / "__pycache__").mkdir()
    (code / "ml" / "__pycache__" / "code.pyc").write_text("byte-code")
    (code / "dbt" / "target").mkdir()
    (code / "dbt" / "target" / "manifest.json").write_text("{}")
    assert build_inputs(settings, None) == first


def test_other_data_day_or_settings_are_other_features(tmp_path: Path, code: Path, landing: Path) -> None:
    first = build_inputs(settings_of(tmp_path, landing=landing), None).features
    assert build_inputs(settings_of(tmp_path, landing=landing), "2017-12-01").features != first
    assert build_inputs(settings_of(tmp_path), None).features != first
    for name, value in {"snapshots": 9, "timezone": "Europe/Berlin", "max_customers": 5}.items():
        assert build_inputs(settings_of(tmp_path, landing=landing, **{name: value}), None).features != first
    (landing / "transactions.csv").write_text("1,2,4\n")
    assert build_inputs(settings_of(tmp_path, landing=landing), None).features != first


def test_the_data_decide_not_where_they_lie_nor_what_the_folder_is_called(
    tmp_path: Path, code: Path, landing: Path
) -> None:
    first = build_inputs(settings_of(tmp_path, landing=landing), None).features
    for name in ("target", "logs", ".hidden"):
        elsewhere = tmp_path / name
        elsewhere.mkdir()
        (elsewhere / "transactions.csv").write_text("1,2,3\n")
        (elsewhere / "_SUCCESS").touch()
        assert build_inputs(settings_of(tmp_path, landing=elsewhere), None).features == first
        (elsewhere / "transactions.csv").write_text("1,2,4\n")
        assert build_inputs(settings_of(tmp_path, landing=elsewhere), None).features != first


@pytest.mark.parametrize("package", ["core", "landing", "dbt", "features", "feature_repo", "feature_store", "quality"])
def test_other_code_of_a_feature_package_is_other_features(tmp_path: Path, code: Path, package: str) -> None:
    first = build_inputs(settings_of(tmp_path), None)
    (code / package / "code.py").write_text("# changed")
    now = build_inputs(settings_of(tmp_path), None)
    assert now.features != first.features
    assert now.model != first.model


@pytest.mark.parametrize("package", ["ml", "experiments", "scoring", "registry"])
def test_other_code_of_a_model_package_is_another_model_of_the_same_features(
    tmp_path: Path, code: Path, package: str
) -> None:
    first = build_inputs(settings_of(tmp_path), None)
    (code / package / "code.py").write_text("# changed")
    now = build_inputs(settings_of(tmp_path), None)
    assert now.features == first.features
    assert now.model != first.model


def test_another_seed_is_another_model_of_the_same_features(tmp_path: Path, code: Path) -> None:
    first, other = build_inputs(settings_of(tmp_path), None), build_inputs(settings_of(tmp_path, seed=8), None)
    assert first.features == other.features
    assert first.model != other.model


def test_another_configuration_of_the_models_is_another_model_of_the_same_features(tmp_path: Path, code: Path) -> None:
    config = tmp_path / "quick.toml"
    config.write_text("[ranking]\nepochs = 1\n")
    settings = settings_of(tmp_path, models_config=config)
    usual, quick = build_inputs(settings_of(tmp_path), None), build_inputs(settings, None)
    config.write_text("[ranking]\nepochs = 2\n")
    other = build_inputs(settings, None)
    assert usual.features == quick.features == other.features
    assert len({usual.model, quick.model, other.model}) == 3


@pytest.fixture
def cache(tmp_path: Path) -> BuildCache:
    """A record over a data directory in which everything has been made once."""
    settings = settings_of(tmp_path)
    paths = settings.paths
    published = paths.features.parent / "2018-01-01-abc"
    for folder in (paths.admitted, paths.feast, published, paths.runs / "r1", paths.release / "recommender"):
        folder.mkdir(parents=True)
    paths.features.symlink_to(published.name)
    (paths.admitted / "manifest.json").write_text("{}")
    (paths.runs / "r1" / "gate.json").write_text(json.dumps({"publish": True, "reasons": ["better"]}))
    (paths.release / "recommender" / "champion.json").write_text(json.dumps({"version": "v1"}))
    cache = BuildCache(settings)
    cache.save_features("features made of this")
    cache.save_run("model made of this", "r1")
    return cache


def test_what_was_made_of_the_same_is_valid(cache: BuildCache) -> None:
    assert cache.has_features("features made of this")
    assert cache.run_of("model made of this") == "r1"
    assert cache.verdict("r1") == (True, ["better"])
    assert cache.champion() == "v1"


def test_what_was_made_of_something_else_is_not(cache: BuildCache) -> None:
    assert not cache.has_features("features made of that")
    assert cache.run_of("model made of that") is None


def test_features_published_meanwhile_are_not_those_of_the_cache(cache: BuildCache, tmp_path: Path) -> None:
    features = tmp_path / "data" / "features"
    (features / "2018-02-01-def").mkdir()
    (features / "current").unlink()
    (features / "current").symlink_to("2018-02-01-def")
    assert not cache.has_features("features made of this")


def test_features_that_were_deleted_are_not_valid(cache: BuildCache, tmp_path: Path) -> None:
    (tmp_path / "data" / "features" / "2018-01-01-abc").rmdir()
    assert not cache.has_features("features made of this")


def test_a_run_whose_champion_was_deleted_is_not_valid(cache: BuildCache, tmp_path: Path) -> None:
    (tmp_path / "data" / "release" / "recommender" / "champion.json").unlink()
    assert cache.run_of("model made of this") is None


def test_a_run_that_the_gate_kept_back_is_valid_without_a_champion(cache: BuildCache, tmp_path: Path) -> None:
    (tmp_path / "data" / "release" / "recommender" / "champion.json").unlink()
    cache.save_run("model made of this", "r1")
    assert cache.run_of("model made of this") == "r1"
    assert cache.champion() is None


def test_a_damaged_cache_counts_as_empty(cache: BuildCache, tmp_path: Path) -> None:
    (tmp_path / "data" / "demo.json").write_text('{"features": {"made_')
    assert not cache.has_features("features made of this")
