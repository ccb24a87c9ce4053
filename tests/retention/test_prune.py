"""Old things go, what is in use stays, and what was freed is returned."""

import os
import shutil
import time
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from core.paths import Paths
from retention.__main__ import main
from retention.errors import NoSpaceError, PolicyError
from retention.policy import Policy, load_policy
from retention.prune import prune
from retention.space import MIB, areas, need_of_a_run, require_space
from settings import Settings

DAY = 24 * 3600
POLICY = load_policy()


def old(file: Path, days: float, size: int = 5000) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"x" * size)
    then = time.time() - days * DAY
    os.utime(file, (then, then))
    os.utime(file.parent, (then, then))
    return file


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "data")


def pruned(paths: Paths, policy: Policy = POLICY) -> tuple[dict[str, int], list[str]]:
    said: list[str] = []
    return prune(paths, paths.airflow / "logs", policy, said.append), said


def test_old_task_logs_go_and_new_ones_stay(paths: Paths) -> None:
    gone = old(paths.airflow / "logs" / "dag_id=a" / "run_id=1" / "attempt=1.log", days=31)
    stays = old(paths.airflow / "logs" / "dag_id=a" / "run_id=2" / "attempt=1.log", days=29)
    freed, said = pruned(paths)
    assert not gone.exists()
    assert stays.exists()
    assert freed["Airflow's task logs"] >= 5000
    assert any("task logs" in line for line in said)


def test_old_mail_of_the_demo_goes_and_new_mail_stays(paths: Paths) -> None:
    gone, stays = old(paths.mail / "new" / "1.M2P3Q1.host", days=31), old(paths.mail / "new" / "2.M2P3Q1.host", days=29)
    freed, _ = pruned(paths)
    assert (gone.exists(), stays.exists()) == (False, True)
    assert freed["the demo's mail"] >= 5000
    assert (paths.mail / "new").is_dir()


def test_data_docs_stay_as_long_as_their_training_run(paths: Paths) -> None:
    of_a_run = old(paths.quality / "2018-01-01-abc" / "training" / "index.html", days=90)
    of_a_day = old(paths.quality / "2018-01-01" / "landing" / "index.html", days=90)
    new = old(paths.quality / "2018-02-01" / "landing" / "index.html", days=1)
    (paths.runs / "2018-01-01-abc").mkdir(parents=True)
    pruned(paths)
    assert (of_a_run.exists(), of_a_day.exists(), new.exists()) == (True, False, True)


def test_files_outside_the_named_parts_are_never_touched(paths: Paths) -> None:
    others = [
        old(paths.data / name / "file", days=900)
        for name in ("admissions", "features", "runs", "release", "bentoml/models", "warehouse", "events", "landing")
    ]
    pruned(paths)
    assert all(file.exists() for file in others)


def test_what_a_killed_step_left_goes_and_what_a_step_writes_now_stays(paths: Paths) -> None:
    left = old(paths.warehouse.parent / "tmp" / "spill.tmp", days=2)
    now = old(paths.data / "tmp" / "spill.tmp", days=0.05)
    pruned(paths)
    assert (left.exists(), now.exists()) == (False, True)


def test_a_large_log_keeps_its_end_and_its_program_goes_on_writing(paths: Paths) -> None:
    policy = POLICY.model_copy(update={"process_log_mib": 0.01, "process_log_kept_mib": 0.001})
    log = paths.data / "processes" / "service.log"
    log.parent.mkdir(parents=True)
    with log.open("ab", buffering=0) as program:
        program.write(b"".join(b"line %d\n" % n for n in range(3000)))
        pruned(paths, policy)
        program.write(b"after\n")
    lines = log.read_text().splitlines()
    assert lines[-2:] == ["line 2999", "after"]
    assert all(line.startswith(("line ", "after")) for line in lines)
    assert log.stat().st_size < 2000


def test_a_second_pruning_frees_nothing(paths: Paths) -> None:
    old(paths.airflow / "logs" / "a.log", days=99)
    pruned(paths)
    freed, said = pruned(paths)
    assert set(freed.values()) == {0}
    assert said == ["Nothing is older or larger than the policy allows."]


def test_a_policy_that_cannot_be_used_names_its_file_and_field(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text("airflow_days = 0")
    with pytest.raises(PolicyError, match=r"policy\.toml.*\n*airflow_days"):
        load_policy(file)


def test_sizes_are_by_part_the_largest_first_and_a_file_counts_once(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "lists").write_bytes(b"x" * 300_000)
    os.link(tmp_path / "runs" / "lists", tmp_path / "runs" / "again")
    (tmp_path / "latest").symlink_to("runs")
    (tmp_path / "release").mkdir()
    (tmp_path / "release" / "log").write_bytes(b"x" * 10_000)
    sizes = areas(tmp_path)
    assert list(sizes)[:2] == ["runs", "release"]
    assert 300_000 <= sizes["runs"] < 400_000


def test_a_full_disk_is_refused_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage(10, 9, 100 * MIB))
    with pytest.raises(NoSpaceError, match="make prune"):
        require_space(tmp_path / "not" / "there", 101 * MIB)
    require_space(tmp_path / "not" / "there", 100 * MIB)


@pytest.mark.parametrize(("name", "times"), [("t.parquet", "run_times_parquet"), ("t.csv", "run_times_text")])
def test_a_run_needs_a_multiple_of_what_has_landed(tmp_path: Path, name: str, times: str) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / name).write_bytes(b"x" * 1000)
    settings: Any = Settings(data=tmp_path / "data", landing=tmp_path)
    policy = POLICY.model_copy(update={"run_least_mib": 0.0})
    assert need_of_a_run(settings, policy) == 1000 * getattr(policy, times)
    assert need_of_a_run(settings, POLICY) == POLICY.run_least_mib * MIB


def test_the_command_prunes_airflows_logs_where_airflow_has_its_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = old(tmp_path / "home" / "logs" / "a.log", days=99)
    monkeypatch.setenv("REACH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "home"))
    assert main(["prune"]) == 0
    assert not log.exists()
    assert capsys.readouterr().out.splitlines()[-1].startswith('{"freed"')
