"""Encode how far the two streams of an event log were read, as one text."""

import json
from typing import Literal

from events.errors import OffsetError

Stream = Literal["events", "decisions"]
STREAMS: tuple[Stream, Stream] = ("events", "decisions")

Offsets = dict[str, str]
"""Offset by the name of a stream, or of a stream's partition."""


def decode(kind: str, position: str | None) -> Offsets:
    """Return the offsets of a position; None is the beginning.

    Args:
        kind: The kind of event log that reads on, such as `sqlite`.
        position: A position that `encode` returned; positions of earlier versions are understood too.

    Raises:
        OffsetError: If the position is of another kind of event log, or is not a position.
    """
    if position is None:
        return {}
    try:
        fields = json.loads(position)
        # Earlier versions wrote "journal" and "places"; batches on disk still hold them.
        if fields.get("log", fields.get("journal")) != kind:
            raise ValueError
        offsets = fields["offsets"] if "offsets" in fields else fields["places"]
        return {str(name): str(offset) for name, offset in offsets.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OffsetError(
            f"{position!r} is not a position in an event log in {kind}. The entries of another event log must be "
            "collected from there."
        ) from error


def encode(kind: str, offsets: Offsets) -> str:
    """Return the offsets as one text, which begins with the kind of event log that they belong to."""
    return json.dumps({"log": kind, "offsets": offsets}, sort_keys=True)
