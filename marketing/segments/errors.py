"""Define the error of a filter: where it is, what was found and what is allowed."""

import difflib
from collections.abc import Collection

from marketing.errors import MarketingError

NEAREST = 3
LISTED = 12
"""How many names a message lists at most."""


class FilterError(MarketingError):
    """A filter that cannot be used.

    Attributes:
        position: the character at which the fault begins, counted from 1.
    """

    def __init__(self, position: int, message: str):
        super().__init__(f"Filter, character {position}: {message}")
        self.position = position


def unknown(position: int, what: str, name: str, known: Collection[str]) -> FilterError:
    """Return the error for a name or value that does not exist, with those nearest to it.

    Args:
        position: where it stands.
        what: such as `tag`.
        name: as it was written.
        known: what exists.
    """
    if not known:
        return FilterError(position, f"{what} '{name}' is unknown; the published scores contain none.")
    by_lower = {one.lower(): one for one in known}
    close = [by_lower[one] for one in difflib.get_close_matches(name.lower(), by_lower, NEAREST)]
    names = close or sorted(known)[:LISTED]
    more = len(known) - len(names)
    listed = ", ".join(f"'{one}'" for one in names)
    allowed = f"Nearest: {listed}" if close else f"Known: {listed}"
    return FilterError(position, f"{what} '{name}' is unknown. {allowed}" + (f" (and {more} more)." if more else "."))
