"""A cursor: a place in the events and one in the decisions, as one text."""

import json
from typing import Literal

from events.errors import CursorError

Stream = Literal["events", "decisions"]
STREAMS: tuple[Stream, Stream] = ("events", "decisions")

Places = dict[str, str]
"""Place by name: of a stream, or of a stream's partition."""


def places_in(kind: str, cursor: str | None) -> Places:
    """The places in a cursor of this kind of journal; none is the beginning.

    Raises CursorError.
    """
    if cursor is None:
        return {}
    try:
        fields = json.loads(cursor)
        if fields["journal"] != kind:
            raise ValueError
        return {str(name): str(place) for name, place in fields["places"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CursorError(
            f"{cursor!r} is no cursor of a journal in {kind}. What another journal held must be collected from there."
        ) from error


def cursor_of(kind: str, places: Places) -> str:
    return json.dumps({"journal": kind, "places": places}, sort_keys=True)
