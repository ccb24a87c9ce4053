"""Name the person who runs a command."""

import getpass


def current_user() -> str:
    """Return the name of the process's user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number without a name
        return "unknown"
