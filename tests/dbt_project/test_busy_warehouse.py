"""A build waits for the warehouse while another process has it open."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from dbt.adapters.duckdb.credentials import DuckDBCredentials, Retries
from dbt.adapters.duckdb.environments import Environment

from settings import ROOT

HOLD = "import duckdb, sys; connection = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


def test_dbt_opens_the_warehouse_when_the_other_process_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = yaml.safe_load((ROOT / "dbt" / "profiles.yml").read_text())["reach"]["outputs"]["duckdb"]
    warehouse = tmp_path / "reach.duckdb"
    command = [sys.executable, "-c", HOLD, str(warehouse)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        waited: list[float] = []

        def wait(seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 2:
                other.communicate()

        monkeypatch.setattr(time, "sleep", wait)
        credentials = DuckDBCredentials(path=str(warehouse), schema="main", retries=Retries(**profile["retries"]))
        Environment.initialize_db(credentials).close()
    assert waited == [1, 2]
    # Reading takes the warehouse for less than a minute.
    assert sum(2**attempt for attempt in range(profile["retries"]["connect_attempts"])) >= 60
