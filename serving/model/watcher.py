"""Following the champion: load the new bundle beside the old, check it, swap at once, keep one to go back to."""

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
    """A pointer that was not followed, and when to try again (monotonic seconds)."""

    pointer: ChampionAlias
    retry_at: float


class ModelWatcher:
    """Holds the bundle that serves. Requests read `current`, which is replaced whole: none sees half a swap.

    read_alias: reads the pointer; None if there is none.
    load: opens and verifies a version's bundle; raises whatever is wrong with it.
    publish: takes this worker's status whenever it changes, for the other workers to see.
    """

    def __init__(
        self,
        read_alias: Callable[[], ChampionAlias | None],
        load: Callable[[str], Bundle],
        config: ServiceConfig,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
        publish: Callable[[WorkerStatus], None] = lambda status: None,
    ):
        self.current: Bundle | None = None
        self._sought: ChampionAlias | None = None
        self._previous: Bundle | None = None
        self._preloaded_for: ChampionAlias | None = None
        self._followed: ChampionAlias | None = None
        self._rejected: RejectedVersion | None = None
        self._look_up = read_alias
        self._load = load
        self._config = config
        self._metrics = metrics
        self._clock = clock
        self._publish = publish
        self._stop = threading.Event()

    @property
    def followed(self) -> ChampionAlias | None:
        """The pointer by which `current` came to serve."""
        return self._followed

    def start(self) -> None:
        """Follow the pointer: at once, so that a process that restarts has a version, then on a thread until `stop`."""
        self._publish_status("starting")
        self._try(self.poll_once)
        if self._sought is None:
            self._publish_status("serving")  # nothing is deployed
        threading.Thread(target=self._run, name="champion", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def report(self) -> dict[str, Any]:
        """What serves, what a roll-back finds in memory, and which pointer was not followed."""
        followed, rejected, current, previous = self._followed, self._rejected, self.current, self._previous
        return {
            "version": current.version if current else None,
            "generation": followed.generation if followed else 0,
            "standby_version": previous.version if previous else None,
            "rejected": None
            if rejected is None
            else {"version": rejected.pointer.version, "generation": rejected.pointer.generation},
        }

    def poll_once(self) -> None:
        """Look once, and swap if the pointer moved. Whatever goes wrong, the present bundle keeps serving."""
        try:
            pointer = self._look_up()
        except Exception as error:
            logger.error("The champion alias cannot be read; nothing changes. %s", error)
            return
        if pointer is None or pointer == self._followed or self._is_rejected(pointer):
            return
        self._sought = pointer
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

    def preload_previous(self) -> None:
        """Have in memory what a roll-back would go to: after a start or a roll-back it is another than just left."""
        pointer = self._followed
        if pointer is None or pointer is self._preloaded_for or not pointer.previous:
            return
        self._preloaded_for = pointer  # one try: a roll-back tries again, and says what is wrong
        if not any(
            bundle is not None and bundle.version == pointer.previous for bundle in (self.current, self._previous)
        ):
            try:
                self._previous = self._opened(pointer.previous)
            except Exception as error:
                logger.warning("Version %s is not at hand for a roll-back. %s", pointer.previous, error)

    def _run(self) -> None:
        while not self._stop.wait(self._config.champion_poll_interval_s):
            self._try(self.poll_once)
            self._try(self.preload_previous)

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception:  # a thread that dies here would leave this version serving for ever, unnoticed
            logger.exception("Following the champion failed; trying again.")

    def _bundle(self, version: str) -> Bundle:
        """The version's bundle, ready to serve: at hand if it is the present or the previous one."""
        for bundle in (self.current, self._previous):
            if bundle is not None and bundle.version == version:
                return bundle
        return self._opened(version)

    def _opened(self, version: str) -> Bundle:
        self._previous = None  # not three bundles in memory at once
        gc.unfreeze()
        gc.collect()
        bundle = self._load(version)
        bundle.check_golden()  # also warms it up: every model and every slate has run once
        # What lives as long as a version need not be walked through by the collector while requests wait.
        gc.freeze()
        return bundle

    def _swap(self, bundle: Bundle | None, pointer: ChampionAlias) -> None:
        before = self.current
        self._followed = pointer
        self._rejected = None
        self.current = bundle
        self._metrics.generation.labels("serving").set(pointer.generation)
        self._publish_status("serving")
        if bundle is before:
            return
        if before is not None:
            self._previous = before
            self._metrics.bundle.labels(before.version, before.as_of.isoformat()).set(0)
        self._metrics.reloads.inc()
        if bundle is None:
            logger.warning("The champion was withdrawn: %s", pointer.reason)
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
        followed, sought = self._followed, self._sought
        self._publish(
            WorkerStatus(
                pid=os.getpid(),
                state=state,
                since=datetime.now(UTC),
                version=self.current.version if self.current else None,
                generation=followed.generation if followed else 0,
                champion=sought.version if sought else None,
                champion_generation=sought.generation if sought else 0,
                champion_since=sought.changed_at.replace(tzinfo=UTC) if sought else None,
            )
        )
