"""The configuration is checked where it is read."""

import sys
import tomllib
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from pydantic import BaseModel

from ml.config import CONFIG, CatalogueConfig, Config, TrainingWindowsConfig, load_config, read_sources
from ml.errors import ConfigError
from ml.ranking.models import ranker_class
from ml.retrieval.catalogue_builder import build_catalogue, build_vocabulary
from ml.runs.spec import dataset
from tests.support.ml.small_run import JUDGED, write_run


def test_the_packaged_configuration_names_rankers_that_exist():
    assert all(ranker_class(name) for name in load_config().ranking.rankers)


def test_a_file_of_ones_own_replaces_what_it_holds_and_nothing_else(tmp_path: Path):
    own = tmp_path / "own.toml"
    own.write_text("promotions_known_in_advance = false\n[ranking]\nepochs = 9\n")
    config, usual = load_config(own=own), load_config()
    assert not config.promotions_known_in_advance
    assert config.ranking == usual.ranking.model_copy(update={"epochs": 9})
    assert config.retrieval == usual.retrieval
    own.write_text("[ranking]\nepoch = 9\n")
    with pytest.raises(ConfigError, match=r"own\.toml cannot be used(.|\n)*epoch"):
        load_config(own=own)
    with pytest.raises(ConfigError, match=r"none\.toml cannot be used"):
        load_config(own=tmp_path / "none.toml")


def test_the_quick_configuration_trains_less():
    quick, usual = load_config(own=CONFIG.with_name("quick.toml")), load_config()
    assert set(quick.ranking.rankers) < set(usual.ranking.rankers)
    assert quick.training_windows.ranker_snapshots < usual.training_windows.ranker_snapshots
    assert quick.sources == usual.sources


def test_an_unknown_source_is_refused_with_the_known_ones(tmp_path: Path):
    path = tmp_path / "config.toml"
    path.write_text("[sources]\nhoroscope = 10\n")
    with pytest.raises(ConfigError, match=r"no source 'horoscope'; known sources: repeat_purchases, two_tower"):
        load_config(path)


def test_an_unknown_feature_group_is_refused_with_the_known_ones(tmp_path: Path):
    path = tmp_path / "config.toml"
    path.write_text('[sources]\n[ranking]\ndisabled_feature_groups = ["moon"]\n')
    with pytest.raises(ConfigError, match=r"no feature group 'moon'; known feature groups: is, repeat, line, type"):
        load_config(path)


def test_a_source_that_nothing_is_fitted_for_is_refused(tmp_path: Path):
    path = tmp_path / "config.toml"
    path.write_text("[sources]\nitem_knn = { quota = 10, n_neighbours = 0 }\n")
    with pytest.raises(ConfigError, match=r"n_neighbours\n.*greater than or equal to 1"):
        load_config(path)
    path.write_text("[sources]\nitem_knn = 10\n")
    assert load_config(path).candidates_per_source == {"item_knn": 10}
    assert load_config(path).sources["item_knn"].model_dump()["n_neighbours"] == 100


def test_a_source_without_a_number_has_the_quota_of_its_file(tmp_path: Path):
    path = tmp_path / "config.toml"
    path.write_text("[sources]\ntwo_tower = {}\nitem_to_item = { regularisation = 10.0 }\n")
    assert load_config(path).candidates_per_source == {"two_tower": 90, "item_to_item": 130}


def test_the_packaged_lines_are_the_defaults_of_the_sources_files():
    assert load_config().sources == read_sources({name: {} for name in load_config().sources})


@pytest.mark.parametrize("section", ["quotas", "candidates_per_source", "collaborative"])
def test_sections_of_earlier_versions_name_the_present_one(tmp_path: Path, section: str):
    path = tmp_path / "config.toml"
    path.write_text(f"[{section}]\n[sources]\n")
    with pytest.raises(ConfigError, match=rf"'{section}' is now called 'sources"):
        load_config(path)


@pytest.mark.parametrize(
    ("section", "old", "present"),
    [
        ("training_windows", "customers", "min_customers"),
        ("retrieval", "history_epochs", "pretraining_epochs"),
        ("ranking", "negatives", "negative_sampling_rate"),
        ("ranking", "held_out", "holdout_share"),
    ],
)
def test_a_key_of_earlier_versions_is_refused_with_its_present_name(
    tmp_path: Path, section: str, old: str, present: str
):
    path = tmp_path / "config.toml"
    path.write_text(f"[sources]\n[{section}]\n{old} = 1\n")
    with pytest.raises(ConfigError, match=rf"'{old}' is now called '{present}'"):
        load_config(path)


def test_an_unknown_ranker_is_refused_with_the_known_ones(tmp_path: Path):
    path = tmp_path / "config.toml"
    path.write_text('[sources]\n[ranking]\nrankers = ["dlrm", "oracle"]\n')
    with pytest.raises(ConfigError, match=r"no ranker 'oracle'\. Known rankers: dcn, dlrm, wide_and_deep"):
        load_config(path)


def test_an_unknown_ranker_on_the_command_line_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"no ranker 'oracle'\. Known rankers: dcn, dlrm, wide_and_deep"):
        ranker_class("oracle")


def test_lists_are_held_out_to_compare_the_rankers(tmp_path: Path):
    path = tmp_path / "config.toml"
    path.write_text("[sources]\n[ranking]\nholdout_share = 0.0\n")
    with pytest.raises(ConfigError, match=r"holdout_share\n.*greater than 0"):
        load_config(path)


def test_factors_without_their_package_are_refused_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "implicit", None)
    path = tmp_path / "config.toml"
    path.write_text("[sources]\nmatrix_factorization = 60\n")
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
            read_sources({"matrix_factorization": {"n_factors": 8}}),
            CatalogueConfig(),
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
    path.write_text("[sources]\n[training_windows]\nhorizon = 2\n")
    with pytest.raises(ConfigError, match="horizon cannot be set: labels reach 4 weeks ahead; remove the line"):
        load_config(path)
    assert TrainingWindowsConfig.model_validate({"horizon": 4, "ranker_snapshots": 3}) == TrainingWindowsConfig(
        ranker_snapshots=3
    )
    assert "horizon" not in TrainingWindowsConfig().model_dump()
