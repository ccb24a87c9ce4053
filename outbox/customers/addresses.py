"""Decide whether a message can be sent to an address at all, before anybody tries."""

import re

EMAIL = r"[^@\s,;<>]+@[^@\s,;<>.]+(\.[^@\s,;<>.]+)+"
"""An e-mail address, as a pattern that DuckDB reads, too: a name, one '@', and a domain with a dot."""

_CHARACTERS = 320
"""The most that a name and a domain may have (RFC 3696)."""


def is_usable(channel: str, address: str) -> bool:
    """Return whether an address of a channel has the form that its senders need."""
    if channel != "email":
        return bool(address.strip())
    return len(address) <= _CHARACTERS and re.fullmatch(EMAIL, address) is not None
