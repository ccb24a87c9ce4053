"""Record what the online store holds, so that a run can decide whether to update it or to rebuild it."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from core.files.atomic import replace_file
from core.held import Held
from features.publication import Publication


@dataclass(frozen=True)
class OnlineState:
    """The result of one materialization.

    Attributes:
        publication: The folder name of the publication.
        as_of_instant: When the publication's day begins, UTC.
        store: The online store, such as `sqlite` or `redis localhost:6379`.
        complete: False while a run writes in place; False in the next run means that the one before was killed.
        held: Which purchases the publication's tables hold; None if unknown.
    """

    publication: str
    as_of_instant: datetime
    store: str
    complete: bool
    held: Held | None = None

    @classmethod
    def of(cls, publication: Publication, store: str) -> "OnlineState":
        """Return the state of a store that holds the publication."""
        return cls(publication.name, publication.as_of_instant, store, True, publication.held)

    def unfinished(self) -> "OnlineState":
        """Return the state while a run writes."""
        return replace(self, complete=False)


def read_state(path: Path) -> OnlineState | None:
    """Return the state, or None if nothing was ever written."""
    try:
        fields = json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return None
    return OnlineState(
        publication=fields["publication"],
        as_of_instant=datetime.fromisoformat(fields["as_of_instant"]),
        store=fields["store"],
        complete=fields["complete"],
        held=Held.from_fields(fields.get("held") or fields),
    )


def write_state(path: Path, state: OnlineState) -> None:
    """Replace the state in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, json.dumps(asdict(state), default=datetime.isoformat))


def can_update_incrementally(
    before: OnlineState | None, as_of_instant: datetime, store: str, customers_left: bool
) -> bool:
    """Return whether writing the newer rows over the older ones gives what a rebuild would give.

    It does not if the store's content is unknown, if time moved back (newer rows would stay), if a customer is no
    longer in the tables (their row would stay), or if the run before was killed while it wrote in place.
    """
    if before is None or before.store != store or not before.complete or customers_left:
        return False
    return before.as_of_instant <= as_of_instant
