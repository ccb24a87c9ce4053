"""Workers share their state, without a server: locks, files and the remains of a killed process."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.workers import Workers, WorkerStatus
from settings import ROOT

EARLY, LATE = datetime(2018, 1, 1, 10, tzinfo=UTC), datetime(2018, 1, 1, 11, tzinfo=UTC)


def status(pid: int, generation: int, champion: int = 2, state: str = "serving") -> WorkerStatus:
    return WorkerStatus.model_validate(
        {
            "pid": pid,
            "state": state,
            "since": EARLY,
            "version": f"v{generation}",
            "generation": generation,
            "champion": f"v{champion}",
            "champion_generation": champion,
            "champion_since": EARLY if champion == 1 else LATE,
        }
    )


def gauge(folder: Path, pid: int) -> Path:
    file = folder / f"gauge_liveall_{pid}.db"
    file.touch()
    return file


def test_a_worker_that_has_not_taken_up_the_champion_another_read_lags_since_its_deployment(tmp_path: Path) -> None:
    first, second = Workers(tmp_path, 1), Workers(tmp_path, 2)
    first.publish(status(1, generation=1, champion=1))
    second.publish(status(2, generation=1, champion=1))
    assert (first.report().on_champion, first.report().lagging_since) == (2, None)

    second.publish(status(2, generation=2))
    report = first.report()
    assert (report.live, report.on_champion, report.lagging, report.lagging_since) == (2, 1, 1, LATE)
    assert [(worker.pid, worker.version) for worker in report.each] == [(1, "v1"), (2, "v2")]
    assert second.report() == report


@pytest.mark.parametrize("state", ["starting", "loading", "rejected"])
def test_a_worker_that_does_not_serve_what_it_should_lags_whatever_its_generation(tmp_path: Path, state: str) -> None:
    workers = Workers(tmp_path, 1)
    workers.publish(status(1, generation=0, champion=0, state=state))

    assert workers.report().lagging == 1


def test_a_killed_workers_files_do_not_count_and_are_removed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from serving.workers import Workers, WorkerStatus; "
        "workers = Workers(Path(sys.argv[1])); workers.publish(WorkerStatus.model_validate_json(sys.argv[2])); "
        "print('ready', flush=True); time.sleep(600)"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path), status(0, 1).model_dump_json()]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        own = Workers(tmp_path, 1)
        own.publish(status(1, generation=2))
        left, kept = gauge(tmp_path, other.pid), gauge(tmp_path, 1)
        assert own.report().live == 2

        os.kill(other.pid, signal.SIGKILL)
        other.wait()
        assert [worker.pid for worker in own.report().each] == [1]
        assert (left.exists(), kept.exists()) == (False, True)
        assert {file.name for file in tmp_path.iterdir()} == {"1.alive", "1.json", kept.name}


def test_a_worker_that_stops_takes_itself_out(tmp_path: Path) -> None:
    first, second = Workers(tmp_path, 1), Workers(tmp_path, 2)
    for workers, pid in ((first, 1), (second, 2)):
        workers.publish(status(pid, generation=2))
    second.close()

    assert first.report().live == 1


def test_without_a_folder_or_with_one_that_cannot_be_written_a_worker_sees_itself(tmp_path: Path) -> None:
    for folder in (None, tmp_path / "missing"):
        workers = Workers(folder, 1)
        workers.publish(status(1, generation=2))
        assert json.loads(workers.report().model_dump_json())["live"] == 1
