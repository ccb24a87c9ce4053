"""The configuration is checked where it is read."""

from pathlib import Path

import pytest

from ml.config import load_config
from ml.errors import ConfigError
from ml.ranking.rankers import ranker


def test_the_packaged_configuration_names_rankers_that_exist():
    assert all(ranker(name) for name in load_config().ranking.rankers)


def test_an_unknown_source_is_refused_with_the_known_ones(tmp_path: Path):
    path = tmp_path / "config.toml"
    path.write_text("[quotas]\nhoroscope = 10\n")
    with pytest.raises(ConfigError, match=r"no source 'horoscope'; known sources: repeats, two_tower"):
        load_config(path)


def test_an_unknown_ranker_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"no ranker 'oracle'\. Known rankers: dcn, dlrm, wide_and_deep"):
        ranker("oracle")
