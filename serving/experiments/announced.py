"""Watch the folder of announced experiments. A file that cannot be read changes nothing, and is logged and counted."""

import logging
import threading
from datetime import datetime, timedelta
from pathlib import Path

from core.clock import utc_now
from online_experiments.announcement import Announcement, read_announcement
from online_experiments.assignment import Assignments
from online_experiments.errors import AnnouncementError
from serving.config import ServiceConfig
from serving.metrics import Metrics

logger = logging.getLogger("reach.serving")

PRELOAD = timedelta(minutes=1)
"""Time before an experiment's start at which its version is loaded."""

Stamp = tuple[str, int, int]
"""Name, time of change in ns, and size of a file."""


class AnnouncedExperiments:
    """Hold the experiments that are not over. Requests read `current`, which is replaced as a whole.

    Args:
        folder: The announced experiments, one JSON file each.
        config: The time between two looks.
        metrics: Counts files that cannot be read.
    """

    def __init__(self, folder: Path, config: ServiceConfig, metrics: Metrics):
        self.current = Assignments()
        self._folder = folder
        self._interval_s = config.experiments_poll_interval_s
        self._metrics = metrics
        self._seen: frozenset[Stamp] = frozenset()
        self._stop = threading.Event()

    def start(self) -> None:
        """Read the announced experiments, then watch them on a thread until `stop`."""
        self._try()
        threading.Thread(target=self._run, name="experiments", daemon=True).start()

    def stop(self) -> None:
        """Stop watching."""
        self._stop.set()

    def poll_once(self) -> None:
        """Read the folder if a file has changed. An experiment whose file cannot be read goes on unchanged."""
        stamps = frozenset(_stamp(file) for file in self._folder.glob("*.json"))
        if stamps == self._seen:
            return
        self._seen = stamps
        before, found, now = self.current.by_id, [], utc_now()
        for name in sorted(stamp[0] for stamp in stamps):
            announcement = self._read(name, before.get(name))
            if announcement is not None and not announcement.is_over(now):
                found.append(announcement)
        self.current = Assignments(found)
        logger.info("Announced experiments: %s.", ", ".join(one.id for one in found) or "none")

    def version(self, now: datetime) -> str | None:
        """Return the version that an experiment serves next to the champion, now or soon; None if none does."""
        for instant in (now, now + PRELOAD):
            running = (one for one in self.current.by_id.values() if one.is_running(instant))
            if version := next((version for one in running for version in one.experiment.versions), None):
                return version
        return None

    def _read(self, experiment_id: str, before: Announcement | None) -> Announcement | None:
        try:
            return read_announcement(self._folder, experiment_id)
        except AnnouncementError as error:
            self._metrics.refused_experiments.inc()
            goes_on = "It goes on as announced before." if before else "It is not served."
            logger.error("Experiment %s is refused. %s %s", experiment_id, error, goes_on)
            return before

    def _run(self) -> None:
        while not self._stop.wait(self._interval_s):
            self._try()

    def _try(self) -> None:
        try:
            self.poll_once()
        except Exception:  # without this, the thread would end and later announcements would have no effect
            logger.exception("Watching the announced experiments failed; trying again.")


def _stamp(file: Path) -> Stamp:
    stat = file.stat()
    return file.stem, stat.st_mtime_ns, stat.st_size
