"""A store in a file of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from outbox.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty SQLite store."""
    found = open_store(f"sqlite:///{tmp_path}/outbox.db")
    yield found
    found.close()
