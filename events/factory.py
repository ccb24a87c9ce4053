"""Open the event log that an installation uses."""

import logging
from contextlib import suppress
from pathlib import Path

from core.paths import Paths
from events.errors import EventLogUnavailableError
from events.event_log import EventLog, RecentEvents
from settings import Settings

logger = logging.getLogger(__name__)


def open_event_log(settings: Settings, timeout_s: float = 5.0) -> EventLog:
    """Open the installation's event log: SQLite or Redis like the online store, or Kafka if the settings name one.

    Args:
        settings: Where the event log is.
        timeout_s: How long a call waits for Redis, or for other writers of the file.
    """
    if settings.kafka_bootstrap_servers is not None:
        from events.kafka_event_log import KafkaEventLog

        return KafkaEventLog(settings.kafka_bootstrap_servers, open_recent_events(settings, timeout_s))
    return _open_stored(settings, timeout_s)


def open_recent_events(settings: Settings, timeout_s: float = 5.0) -> RecentEvents:
    """Open the recent events only: they are stored next to the online store, even if the event log is Kafka."""
    return _open_stored(settings, timeout_s)


def _open_stored(settings: Settings, timeout_s: float) -> EventLog:
    stores_events = settings.kafka_bootstrap_servers is None
    if settings.online_store == "redis":
        from events.redis_event_log import RedisEventLog

        return RedisEventLog(settings, timeout_s, stores_events)
    from events.sqlite_event_log import SqliteEventLog

    return SqliteEventLog(_events_folder(settings.paths), timeout_s, stores_events)


def _events_folder(paths: Paths) -> Path:
    """Return the folder of the event log; move the one of earlier versions there, in one step, on first use."""
    earlier = paths.data / "live"
    if earlier.is_dir() and not paths.events.exists():
        try:
            with suppress(FileNotFoundError):  # another process moved it just now
                earlier.rename(paths.events)
                logger.info("Moved the event log from %s to %s, its name since this version.", earlier, paths.events)
        except OSError as error:
            raise EventLogUnavailableError(
                f"The event log cannot be moved from {earlier} to {paths.events}: {error.strerror}. Rename the folder."
            ) from error
    return paths.events
