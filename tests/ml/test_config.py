"""The configuration is checked where it is read."""

import sys
import tomllib
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from pydantic import BaseModel

from ml.config import CONFIG, CollaborativeConfig, Config, MatrixFactorizationConfig, TrainingWindowsConfig, load_config
from ml.errors import ConfigError
from ml.ranking.models import ranker_class
from ml.retrieval.catalogue_builder import build_catalogue, build_vocabulary
from ml.runs.spec import dataset
from tests.support.ml.small_run import JUDGED, write_run


def test_the_packaged_configuration_names_rankers_that_exist():
    assert all(ranker_class(name) for name in load_config().ranking.rankers)


def test_an_unknown_source_is_refused_with_the_known_ones(tmp_path: Path):
    path = tmp_path / "config.toml"
    path.write_text("[candidates_per_source]\nhoroscope = 10\n")
    with pytest.raises(ConfigError, match=r"no source 'horoscope'; known sources: repeat_purchases, two_tower"):
        load_config(path)


def test_an_unknown_feature_group_is_refused_with_the_known_ones(tmp_path: Path):
    path = tmp_path / "config.toml"
    path.write_text('[candidates_per_source]\n[ranking]\ndisabled_feature_groups = ["moon"]\n')
    with pytest.raises(ConfigError, match=r"no feature group 'moon'; known feature groups: is, repeat, line, type"):
        load_config(path)


def test_a_source_that_nothing_is_fitted_for_is_refused(tmp_path: Path):
    path = tmp_path / "config.toml"
    path.write_text("[candidates_per_source]\nitem_knn = 10\n")
    with pytest.raises(ConfigError, match=r"'item_knn' is named but collaborative\.item_knn\.n_neighbours is 0"):
        load_config(path)
    path.write_text("[candidates_per_source]\nitem_knn = 10\n[collaborative.item_knn]\nn_neighbours = 50\n")
    assert load_config(path).candidates_per_source == {"item_knn": 10}


def test_an_unknown_ranker_is_refused_with_the_known_ones(tmp_path: Path):
    path = tmp_path / "config.toml"
    path.write_text('[candidates_per_source]\n[ranking]\nrankers = ["dlrm", "oracle"]\n')
    with pytest.raises(ConfigError, match=r"no ranker 'oracle'\. Known rankers: dcn, dlrm, wide_and_deep"):
        load_config(path)


def test_an_unknown_ranker_on_the_command_line_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"no ranker 'oracle'\. Known rankers: dcn, dlrm, wide_and_deep"):
        ranker_class("oracle")


def test_lists_are_held_out_to_compare_the_rankers(tmp_path: Path):
    path = tmp_path / "config.toml"
    path.write_text("[candidates_per_source]\n[ranking]\nholdout_share = 0.0\n")
    with pytest.raises(ConfigError, match=r"holdout_share\n.*greater than 0"):
        load_config(path)


def test_factors_without_their_package_are_refused_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "implicit", None)
    path = tmp_path / "config.toml"
    path.write_text(
        "[candidates_per_source]\nmatrix_factorization = 60\n[collaborative.matrix_factorization]\nn_factors = 32\n"
    )
    with pytest.raises(ConfigError, match=r"uv sync --group peers"):
        load_config(path)


def test_a_version_with_factors_names_the_missing_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "implicit", None)
    monkeypatch.setitem(sys.modules, "implicit.als", None)
    shop = dataset(write_run(tmp_path))
    products, (_, customers) = shop.products(JUDGED), shop.customers(JUDGED)
    with pytest.raises(ConfigError, match=r"uv sync --group peers"):
        build_catalogue(
            JUDGED.date(),
            products,
            customers,
            build_vocabulary(products),
            cast(Any, lambda inputs: np.zeros((len(products.product_ids), 4), np.float32)),
            CollaborativeConfig(matrix_factorization=MatrixFactorizationConfig(n_factors=8)),
            seed=7,
        )


def unnamed(model: type[BaseModel], values: dict[str, Any], place: str = "") -> list[str]:
    """Settings of a section that its values do not name, with their place."""
    missing = []
    for name, field in model.model_fields.items():
        if name not in values:
            missing.append(f"{place}{name}")
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            missing += unnamed(field.annotation, values[name], f"{place}{name}.")
    return missing


def test_the_configuration_file_names_every_setting_of_the_models():
    assert unnamed(Config, tomllib.loads(CONFIG.read_text())) == []


def test_the_horizon_is_no_setting_and_older_configurations_that_name_it_are_read(tmp_path: Path):
    path = tmp_path / "config.toml"
    path.write_text("[candidates_per_source]\n[training_windows]\nhorizon = 2\n")
    with pytest.raises(ConfigError, match="horizon cannot be set: labels reach 4 weeks ahead; remove the line"):
        load_config(path)
    assert TrainingWindowsConfig.model_validate({"horizon": 4, "ranker_snapshots": 3}) == TrainingWindowsConfig(
        ranker_snapshots=3
    )
    assert "horizon" not in TrainingWindowsConfig().model_dump()
