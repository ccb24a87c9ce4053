import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from core.files.lock import exclusive_lock
from settings import ROOT

HOLD = """
import sys, time
from pathlib import Path
from core.files.lock import exclusive_lock
with exclusive_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_two_threads_never_hold_the_lock_at_once(tmp_path: Path) -> None:
    inside, most = [0], []

    def write() -> None:
        with exclusive_lock(tmp_path / "folder"):
            inside[0] += 1
            most.append(inside[0])
            inside[0] -= 1

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8


def test_the_lock_of_a_killed_process_is_free_at_once(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with exclusive_lock(tmp_path):
        pass
