"""Run the commands of a package: parse arguments, log progress, print one JSON result, return an exit code.

Every command follows one contract, on which Airflow's tasks rely. Progress is logged through `logging` and appears on
stdout, one message per line. The last line on stdout is the result as one JSON value. A failure prints
`error: <message>` on stderr instead.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | failed for a reason that the message explains |
| 2 | the arguments are wrong |
| 99 | nothing to do: Airflow skips the task |
| 141 | the reader of stdout has gone, as `head` does; the work was done to its end |
"""

import argparse
import json
import logging
import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import date
from enum import IntEnum
from pathlib import Path
from typing import Any, Generic, TextIO, TypeVar

SettingsT = TypeVar("SettingsT")


class ExitCode(IntEnum):
    """The meanings of a command's exit code."""

    DONE = 0
    FAILED = 1
    USAGE_ERROR = 2
    NOTHING_TO_DO = 99
    READER_GONE = 128 + signal.SIGPIPE


class Commands(Generic[SettingsT]):
    """The commands of one package, as `python -m <package> <command>`.

    Args:
        package: The package's name, such as `landing`.
        description: The text above the list of commands, such as the docstring of `__main__`; its first line is shown.
        load_settings: Reads the settings; called after the arguments are parsed.
        errors: Exceptions whose message explains a failure to a person. Any other exception is a bug and is raised.
        prints_result: Whether the last line on stdout is a JSON value; False for a command only people run.
    """

    def __init__(
        self,
        package: str,
        description: str | None,
        load_settings: Callable[[], SettingsT],
        errors: tuple[type[Exception], ...],
        prints_result: bool = True,
    ):
        self.parser = argparse.ArgumentParser(
            prog=f"python -m {package}", description=(description or "").strip().partition("\n")[0]
        )
        self._commands = self.parser.add_subparsers(dest="command", required=True, metavar="command")
        self._load_settings = load_settings
        self._errors = errors
        self._prints_result = prints_result

    def add(
        self, name: str, function: Callable[[SettingsT, argparse.Namespace], object], description: str
    ) -> argparse.ArgumentParser:
        """Add a command and return its parser, to which the caller adds the command's arguments.

        Args:
            name: The command's name, such as `dbt-vars`.
            function: Does the work; its return value is the JSON result, None means that there was nothing to do.
            description: One sentence for the help text.
        """
        command = self._commands.add_parser(name, help=description, description=description)
        command.set_defaults(function=function)
        return command

    def run(self, arguments: Sequence[str] | None = None) -> int:
        """Run the command that the arguments name, and return its exit code.

        Args:
            arguments: The command line without the program; the process's own by default.
        """
        options = self.parser.parse_args(arguments)
        return run_command(lambda: options.function(self._load_settings(), options), self._errors, self._prints_result)


def run_command(function: Callable[[], object], errors: tuple[type[Exception], ...], prints_result: bool = True) -> int:
    """Run one command with logging on stdout, print its result, and return its exit code.

    Args:
        function: Does the work; its return value is the JSON result, None means that there was nothing to do.
        errors: Exceptions whose message explains a failure to a person.
        prints_result: Whether to print the result as the last line on stdout. Without it, None means done.
    """
    log_to_stdout()
    try:
        result = function()
    except errors as error:
        sys.stdout.flush()
        print(f"error: {error}", file=sys.stderr, flush=True)
        return ExitCode.FAILED
    if prints_result:
        try:
            print(json.dumps(without_nan({} if result is None else result)), flush=True)
        except BrokenPipeError:
            _discard_output()
    if _reader_has_gone.is_set():
        return ExitCode.READER_GONE
    return ExitCode.NOTHING_TO_DO if prints_result and result is None else ExitCode.DONE


def log_to_stdout() -> None:
    """Let Reach's packages log their progress to stdout as plain lines; loggers of libraries are not changed."""
    root = Path(__file__).resolve().parent.parent
    for package in (file.parent.name for file in root.glob("*/__init__.py")):
        logger = logging.getLogger(package)
        logger.setLevel(logging.INFO)
        if not any(isinstance(handler, _StdoutHandler) for handler in logger.handlers):
            logger.addHandler(_StdoutHandler())


class _StdoutHandler(logging.StreamHandler[TextIO]):
    """Writes messages to whatever `sys.stdout` is at that moment, so that a redirection takes effect."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(logging.Formatter("%(message)s"))

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stdout

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (logging's name)
        """Go on without output once the reader of stdout has gone; the work may be half done."""
        if isinstance(sys.exc_info()[1], BrokenPipeError):
            _discard_output()
        else:
            super().handleError(record)


_reader_has_gone = threading.Event()


def _discard_output() -> None:
    """Discard further output to stdout, and the rest in its buffer."""
    _reader_has_gone.set()
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def without_nan(value: Any) -> Any:
    """Return the value with None for NaN (a score without an evaluable customer), which JSON does not have."""
    if isinstance(value, dict):
        return {name: without_nan(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def add_as_of(parser: argparse.ArgumentParser, description: str, required: bool = False) -> None:
    """Add the argument `--as-of YYYY-MM-DD`, which becomes a date."""
    parser.add_argument("--as-of", type=date.fromisoformat, required=required, metavar="YYYY-MM-DD", help=description)
