"""Share what each worker of the service serves, through small files in the folder of the workers' metrics.

Each worker holds a lock on a file of its own while it runs. The kernel frees the lock however the process ends, so the
files of a killed worker are recognised and removed, also if another process has its id by then.
"""

import fcntl
import logging
import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Literal

from prometheus_client.multiprocess import mark_process_dead
from pydantic import BaseModel, Field, ValidationError

from core.files.atomic import replace_file

logger = logging.getLogger("reach.serving")

State = Literal["starting", "serving", "loading", "rejected"]


class WorkerStatus(BaseModel):
    """Describe one process of the service."""

    pid: int = Field(description="The process id.")
    state: State = Field(description="Its state with the newest champion that it has read.")
    since: datetime = Field(description="Since when, in UTC.")
    version: str | None = Field(None, description="The version that it serves.")
    generation: int = Field(0, description="The generation of the champion alias that it serves.")
    champion: str | None = Field(None, description="The newest champion that it has read.")
    champion_generation: int = Field(0, description="The generation of that champion.")
    champion_since: datetime | None = Field(None, description="When that version became champion, in UTC.")


class WorkersReport(BaseModel):
    """Compare all live workers of the service with the champion."""

    live: int = Field(description="Number of live workers.")
    on_champion: int = Field(description="Live workers that serve the champion's generation.")
    lagging: int = Field(description="Live workers that do not.")
    lagging_since: datetime | None = Field(
        None, description="When the champion that they do not serve was deployed, in UTC; null if no worker lags."
    )
    each: list[WorkerStatus] = Field([], description="Every live worker.")


class Workers:
    """Publish this worker's status, and read those of all workers.

    Args:
        folder: The folder of all workers' files. Without one, this worker sees only itself.
        pid: The id of this process.
    """

    def __init__(self, folder: Path | None, pid: int | None = None):
        self._folder = folder
        self._pid = os.getpid() if pid is None else pid
        self._own: WorkerStatus | None = None
        self._lock: IO[bytes] | None = None
        if folder is not None:
            try:
                self._lock = _held(folder, self._pid)
            except OSError as error:
                logger.warning("Other workers cannot see this one: %s cannot be written. %s", folder, error)
        self.remove_dead()

    def publish(self, status: WorkerStatus) -> None:
        """Publish this worker's status to all workers."""
        self._own = status
        if self._folder is None or self._lock is None:
            return
        file = self._folder / f"{self._pid}.json"
        try:
            replace_file(file, status.model_dump_json(), durable=False)
        except OSError as error:  # a full disk must not keep a version from serving
            logger.warning("Other workers see an old status of this one: %s cannot be written. %s", file, error)

    def report(self) -> WorkersReport:
        """Compare all live workers with the newest champion that any of them has read."""
        each = sorted(self._live(), key=lambda worker: worker.pid)
        newest = max(each, key=lambda worker: worker.champion_generation, default=None)
        generation = newest.champion_generation if newest else 0
        lagging = [worker for worker in each if worker.generation != generation or worker.state != "serving"]
        return WorkersReport(
            live=len(each),
            on_champion=len(each) - len(lagging),
            lagging=len(lagging),
            lagging_since=newest.champion_since if newest and lagging else None,
            each=each,
        )

    def remove_dead(self) -> None:
        """Remove the files and the gauges of workers that have ended."""
        for alive in self._files():
            with suppress(OSError), alive.open("rb") as handle:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)  # raises while the worker runs
                pid = int(alive.stem)
                with suppress(FileNotFoundError):  # another worker may remove the same files
                    mark_process_dead(pid, str(alive.parent))  # type: ignore[no-untyped-call]
                alive.with_suffix(".json").unlink(missing_ok=True)
                alive.unlink(missing_ok=True)

    def close(self) -> None:
        """Remove this worker, because it stops."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None
            self.remove_dead()

    def _live(self) -> list[WorkerStatus]:
        self.remove_dead()
        found = {} if self._own is None else {self._pid: self._own}
        for alive in self._files():
            if int(alive.stem) not in found:
                with suppress(OSError, ValidationError):  # it has just started or ended
                    status = WorkerStatus.model_validate_json(alive.with_suffix(".json").read_bytes())
                    found[status.pid] = status
        return list(found.values())

    def _files(self) -> list[Path]:
        return [] if self._folder is None else sorted(self._folder.glob("[0-9]*.alive"))


def metrics_folder() -> Path | None:
    """Return the folder of all workers' metrics, which BentoML sets; None outside BentoML."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(folder) if folder else None


def _held(folder: Path, pid: int) -> IO[bytes]:
    """Create the file of a running process, and return it locked. It is locked before it gets its name."""
    staged = folder / f"{pid}.starting"
    handle = staged.open("wb")
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    staged.replace(folder / f"{pid}.alive")
    return handle
