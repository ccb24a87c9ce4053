"""Keep messages in a Maildir: each is on disk before the sender gets its answer, and all are there after a restart."""

import mailbox
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

from core.files.atomic import sync


@dataclass(frozen=True)
class Received:
    """A message of the list.

    Attributes:
        name: the message's name in the Maildir.
        at: when it was taken (UTC).
        recipient, subject: as its headers give them.
    """

    name: str
    at: datetime
    recipient: str
    subject: str


class ReceivedMail:
    """The messages of one folder; safe for several threads.

    Args:
        folder: the Maildir; missing folders are made, for their owner only.

    Raises:
        OSError: the folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        for path in (folder, *(folder / name for name in ("tmp", "new", "cur"))):
            path.mkdir(mode=0o700, exist_ok=True)
        self._maildir = mailbox.Maildir(folder, create=False)
        self._lock = threading.Lock()

    def keep(self, content: bytes) -> str:
        """Store a message, and return its name when the disk has it."""
        with self._lock:
            name = self._maildir.add(content)
        sync(self._folder / "new")
        return name

    def newest(self, first: int, count: int) -> tuple[Sequence[Received], int]:
        """Return some messages, the newest first, and the number of all.

        Args:
            first: how many newer ones are passed over.
            count: how many are returned at most.
        """
        with self._lock:
            names = sorted(self._maildir.keys(), key=_order, reverse=True)
        found = [(name, self.read(name)) for name in names[first : first + count]]
        return [summary(name, message) for name, message in found if message is not None], len(names)

    def read(self, name: str) -> EmailMessage | None:
        """Return a message, or None if there is none of this name."""
        try:
            with self._lock:
                content = self._maildir.get_bytes(name)
        except KeyError:
            return None
        return BytesParser(policy=default).parsebytes(content)


def summary(name: str, message: EmailMessage) -> Received:
    """Return what the list shows of a message."""
    at = datetime.fromtimestamp(_order(name)[0], UTC)
    return Received(name, at, str(message["To"] or ""), str(message["Subject"] or ""))


def _order(name: str) -> tuple[int, int, str]:
    """Return when a message was stored, from its name `<seconds>.M<microseconds>P….<host>`, and the name itself."""
    seconds, _, rest = name.partition(".")
    microseconds = rest[1:].partition("P")[0]
    return (
        int(seconds) if seconds.isdigit() else 0,
        int(microseconds) if microseconds.isdigit() else 0,
        name,
    )
