"""Open the outbox for reading, if there is one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from outbox.status import open_points
from outbox.store import Store, has_store, open_store, store_url
from settings import Settings


@contextmanager
def opened_outbox(settings: Settings) -> Iterator[Store | None]:
    """Yield the store; None if this installation has none yet, so that reading a page creates no file."""
    if not has_store(settings):
        yield None
        return
    store = open_store(store_url(settings))
    try:
        yield store
    finally:
        store.close()


def outbox_status(settings: Settings) -> dict[str, Any] | None:
    """Return what is due, paused, stopped or in doubt; None without an outbox."""
    with opened_outbox(settings) as store:
        return open_points(store) if store else None
