"""The demo configures Airflow by existing options, opens nothing to the network, and keeps secrets for the owner."""

import json
import os
import re
from pathlib import Path

import pytest

from local.airflow.stack import COMPONENTS, environment
from settings import Settings
from tests.support.contracts.airflow_options import unknown_options


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", airflow_port=18080)


def test_airflow_knows_every_name(settings: Settings) -> None:
    names = [name for name in environment(settings) if name not in os.environ]
    assert [name for name in names if name.startswith("AIRFLOW__")]
    assert unknown_options(names) == []
    assert unknown_options(["AIRFLOW__CORE__NO_SUCH_OPTION"])


def test_airflow_listens_on_loopback_at_the_chosen_port(settings: Settings) -> None:
    env = environment(settings)
    assert env["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert env["AIRFLOW__API__PORT"] == "18080"
    assert env["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:18080/execution/"
    # Airflow's log servers listen on every interface and have no setting for it, so they stay off.
    assert "--skip-serve-logs" in COMPONENTS["scheduler"]


def test_secrets_are_made_once_and_for_their_owner(settings: Settings) -> None:
    first, again = environment(settings), environment(settings)
    for name in ("AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__API__SECRET_KEY", "AIRFLOW__CORE__FERNET_KEY"):
        assert first[name] == again[name]
        assert len(first[name]) > 40
    files = [settings.paths.airflow / name for name in ("secrets.json", "login.json")]
    assert [file.stat().st_mode & 0o077 for file in files] == [0, 0]
    assert json.loads(files[1].read_text())["admin"] == json.loads(files[0].read_text())["password"]


def test_nothing_is_written_outside_the_data_directory(settings: Settings) -> None:
    env = environment(settings)
    places = [env["AIRFLOW_HOME"], env["TMPDIR"], env["AIRFLOW__COSMOS__CACHE_DIR"]]
    places += re.findall(r"sqlite:///(.*)\?", env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    assert len(places) == 4
    assert [place for place in places if not Path(place).is_relative_to(settings.data)] == []
