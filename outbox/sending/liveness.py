"""Find out whether a sender or a planner still lives, without a clock: its lock is released when its process ends.

With SQLite the lock is a file's, held by the operating system. With PostgreSQL it is an advisory lock of a
connection, so processes on several machines see each other.
"""

from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from outbox.store import Store


class OwnerLock:
    """The lock that shows that this sender or planner lives; use as a context manager.

    Attributes:
        owner: its name: random, so a restarted one is another.
    """

    def __init__(self, store: Store):
        self.owner = uuid4().hex[:15]
        self._store = store
        self._file: FileLock | None = None
        self._connection: Connection | None = None

    def __enter__(self) -> "OwnerLock":
        """Take the lock.

        Raises:
            OSError: The lock's file cannot be created.
        """
        if self._store.is_sqlite:
            self._file = FileLock(self._path(self.owner))
            self._file.acquire()
        else:
            self._connection = self._store.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _key(self.owner)})
        return self

    def __exit__(self, *_: object) -> None:
        """Release the lock."""
        if self._file is not None:
            self._path(self.owner).unlink(missing_ok=True)
            self._file.release()
        if self._connection is not None:
            # Unlocked by name, because the server notices the end of a session only some time later. A session that
            # has broken has no lock any more.
            with suppress(SQLAlchemyError):
                self._connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _key(self.owner)})
            self._connection.invalidate()
            self._connection.close()

    def is_dead(self, owner: str) -> bool:
        """Whether the process of another owner has ended.

        Raises:
            StoreError: The store does not answer.
        """
        if self._store.is_sqlite:
            path = self._path(owner)
            if not path.exists():
                return True
            try:
                with FileLock(path, timeout=0):
                    path.unlink(missing_ok=True)
                    return True
            except Timeout:
                return False
        with self._store.read() as connection:
            # A lock of the transaction: it ends with the block.
            return bool(
                connection.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _key(owner)}).scalar()
            )

    def _path(self, owner: str) -> Path:
        folder = Path(str(self._store.engine.url.database)).parent / "senders"
        folder.mkdir(exist_ok=True)
        return folder / f"{owner}.lock"


def _key(owner: str) -> int:
    """Return an advisory lock's key: 60 bits, far above those of the store's own locks."""
    return int(owner, 16)
