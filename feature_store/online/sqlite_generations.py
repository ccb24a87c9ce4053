"""SQLite's online store as generations: built aside, then shown by moving one link.

    <data>/feast/online.db -> online/<generation>/online.db
    <data>/feast/online/<generation>/online.db and state.json

A reader holds either the old file or the new one, never a half-written one; a killed run leaves a generation that
no link names.
"""

import shutil
import uuid
from pathlib import Path

from core.atomic_files import move_link, sync
from feature_store.online.state import OnlineState, read_state, write_state
from settings import Settings

_STATE = "state.json"


class SqliteGenerations:
    """The generations under Feast's folder."""

    def __init__(self, feast: Path) -> None:
        self.link = feast / "online.db"
        self._generations = feast / "online"

    def state(self) -> OnlineState | None:
        """What the shown generation holds; None if there is none (a file made by `feast apply` is empty)."""
        whole = self.link.is_symlink() and self.link.exists()
        return read_state(self.link.resolve().with_name(_STATE)) if whole else None

    def create(self, publication: str, copy: bool) -> Path:
        """The database file of a new, private generation: a copy of the shown one, or nothing yet."""
        shown = self.link.resolve().parent
        if self._generations.is_dir():
            for leftover in self._generations.iterdir():
                if leftover != shown:
                    shutil.rmtree(leftover)
        database = self._generations / f"{publication}-{uuid.uuid4().hex[:8]}" / self.link.name
        database.parent.mkdir(parents=True)
        if copy:
            shutil.copyfile(self.link, database)
        return database

    def activate(self, database: Path, state: OnlineState) -> None:
        """Make a finished generation the one that is read. The one before stays for readers who just opened it."""
        write_state(database.with_name(_STATE), state)
        sync(database)
        move_link(self.link, database)


def generation_marker(settings: Settings) -> Path:
    """What changes when a materialisation finishes: the link, or the state beside Redis."""
    return settings.paths.feast / ("online-redis.json" if settings.online_store == "redis" else "online.db")


def current_state(settings: Settings) -> OnlineState | None:
    """What the online store holds; None if nothing was ever written."""
    return (
        read_state(generation_marker(settings))
        if settings.online_store == "redis"
        else SqliteGenerations(settings.paths.feast).state()
    )
