"""The command with which a person runs a task by hand: runnable as printed, from any folder."""

import shlex
import sys
from collections.abc import Sequence
from os import environ
from pathlib import Path

from settings import ROOT, Settings

# A task's log is read by more people than its environment is.
SECRET = {f"REACH_{name}".upper() for name, field in Settings.model_fields.items() if "Secret" in str(field.annotation)}


def program(name: str) -> str:
    """Return the project's program as it is typed in the project's folder."""
    file = Path(sys.executable).with_name(name)
    return str(file.relative_to(ROOT)) if file.is_relative_to(ROOT) else str(file)


def by_hand(command: Sequence[str]) -> str:
    """Return the command line, with the settings that Airflow was started with, but for secrets."""
    found = {name: value for name, value in sorted(environ.items()) if name.startswith("REACH_") and value}
    settings = [f"{name}={shlex.quote(value)}" for name, value in found.items() if name not in SECRET]
    line = " ".join([*settings, shlex.join(command)])
    left_out = [name for name in found if name in SECRET]
    note = f"  # set {', '.join(left_out)} as well" if left_out else ""
    return f"cd {shlex.quote(str(ROOT))} && {line}{note}"
