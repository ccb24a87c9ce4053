"""Watch the champion alias: load a new bundle next to the old one, check it, swap, and keep one for a roll-back.

While an experiment serves another version, that bundle is kept instead of the one for a roll-back.
"""

import gc
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from registry.champion_alias import ChampionAlias
from scoring.bundle import Bundle
from serving.config import ServiceConfig
from serving.metrics import Metrics
from serving.workers import State, WorkerStatus

logger = logging.getLogger("reach.serving")


@dataclass(frozen=True)
class RejectedVersion:
    """Hold an alias whose bundle could not be loaded, and when to try again (monotonic seconds)."""

    pointer: ChampionAlias
    retry_at: float


class ModelWatcher:
    """Hold the bundle that serves. Requests read `current`, which is replaced as a whole.

    Args:
        read_alias: Reads the champion alias; returns None if there is none.
        load: Opens and verifies a version's bundle, or raises.
        config: Intervals between attempts.
        metrics: Counts reloads and failures.
        clock: Returns monotonic seconds.
        publish: Receives this worker's status at each change.
        experiment_version: Returns the version that an experiment serves next to the champion; None if none does.
    """

    def __init__(
        self,
        read_alias: Callable[[], ChampionAlias | None],
        load: Callable[[str], Bundle],
        config: ServiceConfig,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
        publish: Callable[[WorkerStatus], None] = lambda status: None,
        experiment_version: Callable[[], str | None] = lambda: None,
    ):
        self.current: Bundle | None = None
        self._newest: ChampionAlias | None = None
        self._previous: Bundle | None = None
        self._preloaded_for: ChampionAlias | None = None
        self._current_pointer: ChampionAlias | None = None
        self._rejected: RejectedVersion | None = None
        self._read_alias = read_alias
        self._load = load
        self._config = config
        self._metrics = metrics
        self._clock = clock
        self._publish = publish
        self._experiment_version = experiment_version
        self._variant: Bundle | None = None
        self._variant_retry_at: dict[str, float] = {}
        self._stop = threading.Event()

    @property
    def current_pointer(self) -> ChampionAlias | None:
        """Return the pointer to `current`."""
        return self._current_pointer

    def start(self) -> None:
        """Load the champion, so a restarted process has a version, then watch the pointer on a thread until `stop`."""
        self._publish_status("starting")
        self._try(self.poll_once)
        self._try(self.follow_experiment)
        if self._newest is None:
            self._publish_status("serving")  # nothing is deployed
        threading.Thread(target=self._run, name="champion", daemon=True).start()

    def stop(self) -> None:
        """Stop watching."""
        self._stop.set()

    def report(self) -> dict[str, Any]:
        """Return what serves, the version in memory for a roll-back, and the version that could not be loaded."""
        pointer, rejected, current, previous = self._current_pointer, self._rejected, self.current, self._previous
        return {
            "version": current.version if current else None,
            "generation": pointer.generation if pointer else 0,
            "standby_version": previous.version if previous else None,
            "experiment_version": self._variant.version if self._variant else None,
            "rejected": None
            if rejected is None
            else {"version": rejected.pointer.version, "generation": rejected.pointer.generation},
        }

    def poll_once(self) -> None:
        """Read the pointer, and swap if it has changed. If anything fails, the current bundle keeps serving."""
        try:
            pointer = self._read_alias()
        except Exception as error:
            logger.error("The champion alias cannot be read; nothing changes. %s", error)
            return
        if pointer is None or pointer == self._current_pointer or self._is_rejected(pointer):
            return
        self._newest = pointer
        self._metrics.generation.labels("champion").set(pointer.generation)
        self._publish_status("loading")
        if pointer.version is None:
            self._swap(None, pointer)
            return
        try:
            bundle = self._bundle(pointer.version)
        except Exception as error:  # a broken bundle may break in any way
            self._reject(pointer, pointer.version, error)
            return
        self._swap(bundle, pointer)

    def in_memory(self, version: str) -> Bundle | None:
        """Return the bundle of a version that an experiment serves; None if it is not loaded."""
        for bundle in (self._variant, self.current):
            if bundle is not None and bundle.version == version:
                return bundle
        return None

    def follow_experiment(self) -> None:
        """Load the version that an experiment serves next to the champion, and drop it when no experiment does."""
        version = self._experiment_version()
        if version is None:
            self._variant = None
            return
        if self.in_memory(version) is not None or self._clock() < self._variant_retry_at.get(version, 0.0):
            return
        self._variant = None
        try:
            self._variant = self._bundle(version)
        except Exception as error:  # a broken bundle may break in any way
            self._variant_retry_at[version] = self._clock() + self._config.rejected_retry_s
            self._metrics.load_failures.labels(version).inc()
            logger.error(
                "Version %s of an experiment cannot be served; its customers get the champion's lists. %s: %s",
                version, type(error).__name__, error,
            )  # fmt: skip
            return
        self._previous = None  # two bundles in memory
        logger.info("Version %s serves an experiment next to the champion.", version)

    def preload_previous(self) -> None:
        """Load the version of a possible roll-back; after a start or a roll-back it is not yet in memory."""
        pointer = self._current_pointer
        if pointer is None or pointer is self._preloaded_for or not pointer.previous or self._variant is not None:
            return
        self._preloaded_for = pointer  # one attempt: a roll-back tries again, and logs the error
        if not any(
            bundle is not None and bundle.version == pointer.previous for bundle in (self.current, self._previous)
        ):
            try:
                self._previous = self._opened(pointer.previous)
            except Exception as error:
                logger.warning("Version %s is not in memory for a roll-back. %s", pointer.previous, error)

    def _run(self) -> None:
        while not self._stop.wait(self._config.champion_poll_interval_s):
            self._try(self.poll_once)
            self._try(self.follow_experiment)
            self._try(self.preload_previous)

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception:  # without this, the thread would end and this version would serve forever
            logger.exception("Watching the champion failed; trying again.")

    def _bundle(self, version: str) -> Bundle:
        """Return a version's bundle, ready to serve; from memory if it is the current or the previous one."""
        for bundle in (self.current, self._previous, self._variant):
            if bundle is not None and bundle.version == version:
                return bundle
        return self._opened(version)

    def _opened(self, version: str) -> Bundle:
        self._previous = None  # at most two bundles in memory, and three while an experiment serves another version
        gc.unfreeze()
        gc.collect()
        bundle = self._load(version)
        bundle.check_golden()  # also warms it up: every model and every slate has run once
        # The collector skips these objects, which live as long as the version, while requests wait.
        gc.freeze()
        return bundle

    def _swap(self, bundle: Bundle | None, pointer: ChampionAlias) -> None:
        before = self.current
        self._current_pointer = pointer
        self._rejected = None
        self.current = bundle
        self._metrics.generation.labels("serving").set(pointer.generation)
        self._publish_status("serving")
        if bundle is before:
            return
        if before is not None:
            self._previous = None if self._variant is not None else before
            self._metrics.bundle.labels(before.version, before.as_of.isoformat()).set(0)
        self._metrics.reloads.inc()
        if bundle is None:
            logger.warning("No version serves, because the champion was withdrawn: %s", pointer.reason)
            return
        self._metrics.bundle.labels(bundle.version, bundle.as_of.isoformat()).set(1)
        logger.info("Version %s serves now (generation %d).", bundle.version, pointer.generation)

    def _is_rejected(self, pointer: ChampionAlias) -> bool:
        rejected = self._rejected
        return rejected is not None and rejected.pointer == pointer and self._clock() < rejected.retry_at

    def _reject(self, pointer: ChampionAlias, version: str, error: Exception) -> None:
        serving = self.current.version if self.current else "nothing"
        logger.error("Version %s is refused, %s keeps serving. %s: %s", version, serving, type(error).__name__, error)
        self._rejected = RejectedVersion(pointer, self._clock() + self._config.rejected_retry_s)
        self._metrics.load_failures.labels(version).inc()
        self._metrics.generation.labels("rejected").set(pointer.generation)
        self._publish_status("rejected")

    def _publish_status(self, state: State) -> None:
        pointer, newest = self._current_pointer, self._newest
        self._publish(
            WorkerStatus(
                pid=os.getpid(),
                state=state,
                since=datetime.now(UTC),
                version=self.current.version if self.current else None,
                generation=pointer.generation if pointer else 0,
                champion=newest.version if newest else None,
                champion_generation=newest.generation if newest else 0,
                champion_since=newest.changed_at.replace(tzinfo=UTC) if newest else None,
            )
        )
