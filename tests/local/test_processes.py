"""Programs of one data directory are found again and stopped whole, and nothing else is."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local.errors import PortTakenError
from local.processes import Programs, memory, processes_of, processor_seconds, require_free_port

# A parent and its child, both asleep; the file signals that both run.
FAMILY = """
import pathlib, subprocess, sys, time
subprocess.Popen(["sleep", "600"])
pathlib.Path(sys.argv[1]).touch()
time.sleep(600)
"""


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    programs = Programs(tmp_path)
    yield programs
    programs.stop_all()


def start_family(programs: Programs, folder: Path, name: str = "family") -> None:
    started = folder / f"{name}.started"
    started.unlink(missing_ok=True)
    programs.start(name, [sys.executable, "-c", FAMILY, str(started)], dict(os.environ), cwd=folder)
    while not started.exists():
        time.sleep(0.02)


def crash(programs: Programs) -> None:
    """Kill the parent alone and wait until it is gone."""
    parent = programs.running("family")
    assert parent
    psutil.Process(parent).kill()
    psutil.Process(parent).wait()


def test_stopping_all_leaves_neither_parent_nor_child(programs: Programs, tmp_path: Path) -> None:
    start_family(programs, tmp_path)
    assert programs.running("family")
    assert len(processes_of(tmp_path)) == 2
    assert programs.stop_all() == 2
    assert processes_of(tmp_path) == []
    assert programs.running("family") is None


def test_an_orphan_is_found_by_its_mark(programs: Programs, tmp_path: Path) -> None:
    start_family(programs, tmp_path)
    crash(programs)
    assert programs.running("family") is None
    assert [process.name() for process in processes_of(tmp_path)] == ["sleep"]
    assert programs.stop_all() == 1


def test_a_program_that_renames_itself_is_still_found(programs: Programs, tmp_path: Path) -> None:
    done = tmp_path / "renamed"
    code = "import pathlib, sys, time, setproctitle; setproctitle.setproctitle('x' * 4000); "
    code += "pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"
    programs.start("renamed", [sys.executable, "-c", code, str(done)], dict(os.environ), cwd=tmp_path)
    while not done.exists():
        time.sleep(0.02)
    assert len(processes_of(tmp_path)) == 1
    assert programs.stop_all() == 1


def test_starting_again_stops_what_a_crash_left(programs: Programs, tmp_path: Path) -> None:
    start_family(programs, tmp_path)
    crash(programs)
    start_family(programs, tmp_path)
    assert len(processes_of(tmp_path)) == 2


def test_other_data_directories_are_left_alone(programs: Programs, tmp_path: Path) -> None:
    other = Programs(tmp_path / "other")
    start_family(other, tmp_path, "other")
    start_family(programs, tmp_path)
    programs.stop_all()
    assert other.running("other")
    assert other.stop_all() == 2


def test_stopping_one_program_leaves_the_others(programs: Programs, tmp_path: Path) -> None:
    start_family(programs, tmp_path, "first")
    start_family(programs, tmp_path, "second")
    programs.stop("first")
    assert programs.running("first") is None
    assert programs.running("second")


def test_a_reused_process_id_is_not_mistaken_for_ours(programs: Programs, tmp_path: Path) -> None:
    start_family(programs, tmp_path)
    file = tmp_path / "processes" / "family.json"
    # Our own id with another start time: the id lives, the program does not.
    file.write_text(f"[{os.getpid()}, 1.0]")
    assert programs.running("family") is None


def test_a_program_that_ignores_the_request_to_end_is_made_to(
    programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.processes.SECONDS_TO_STOP", 0.2)
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{FAMILY}"
    started = tmp_path / "started"
    programs.start("deaf", [sys.executable, "-c", deaf, str(started)], dict(os.environ), cwd=tmp_path)
    while not started.exists():
        time.sleep(0.02)
    programs.stop_all()
    assert processes_of(tmp_path) == []


def test_a_taken_port_is_an_error_that_names_port_and_setting() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError, match=rf"{port}.*REACH_AIRFLOW_PORT"):
            require_free_port(port, "Airflow", "REACH_AIRFLOW_PORT")
    require_free_port(port, "Airflow", "REACH_AIRFLOW_PORT")


def test_memory_counts_every_process_given() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); import time; time.sleep(60)"], stdout=subprocess.PIPE
    )
    assert child.stdout
    child.stdout.readline()
    try:
        one, other = psutil.Process(), psutil.Process(child.pid)
        assert memory([one, other]) > memory([one]) > 1_000_000
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def test_the_processor_time_of_an_ended_child_is_its_parents() -> None:
    code = "import sys; sum(range(30_000_000)); sys.stdout.write('done')"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}]); print(); sys.stdin.read()"
    process = subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "done\n"
    own = sum(psutil.Process(process.pid).cpu_times()[:2])
    assert processor_seconds([psutil.Process(process.pid)]) > 2 * own
    process.communicate()
