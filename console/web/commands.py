"""Run Reach's commands in processes of their own, and keep what they print until a page has shown it.

A page that starts something long answers at once; its part `_command.html` then asks for progress every second. The
output can name customers, so it is kept in memory and never written to a log.
"""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from console.errors import BusyError, ConsoleError, NotFoundError
from core.clock import utc_now
from core.command import ExitCode
from settings import ROOT, Settings

MAX_RUNNING = 2
"""Commands that run at the same time."""

MAX_KEPT = 50
"""Commands whose result is kept; the oldest that has ended is dropped first."""

SECONDS_TO_STOP = 5.0

KEPT_LINES = 200
MAX_LINE_BYTES = 16 * 2**20
"""The last line holds the whole result, such as the rendered messages of ten customers."""


@dataclass
class Command:
    """Describe one command.

    Attributes:
        title: what it does, for people.
        owner: the user who started it, and the only one who sees it.
        next_path: the page that shows the result; None if the result is shown where it was started.
        started_at: naive UTC.
        lines: the last lines that it printed.
        exit_code: None while it runs.
        result: what it returned.
        problem: why it failed, as a sentence.
    """

    title: str
    owner: str
    next_path: str | None
    command_id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    started_at: datetime = field(default_factory=utc_now)
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    exit_code: int | None = None
    result: Any = None
    problem: str | None = None

    @property
    def is_running(self) -> bool:
        """Return whether it has not ended."""
        return self.exit_code is None

    @property
    def seconds(self) -> int:
        """Return how long ago it was started."""
        return int((utc_now() - self.started_at).total_seconds())


class Commands:
    """Start commands as `python -m …` and collect their results."""

    def __init__(self, settings: Settings):
        self._environment = {**os.environ, "REACH_DATA": str(settings.data), "PYTHONUNBUFFERED": "1"}
        self._commands: OrderedDict[str, Command] = OrderedDict()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, arguments: Sequence[str], title: str, owner: str, next_path: str | None = None) -> Command:
        """Start a command and return at once.

        Args:
            arguments: what follows `python -m`, such as `("marketing", "campaign", "check", "win-back")`.
            title: what it does, for people.
            owner: the user's name.
            next_path: the page that shows the result.

        Raises:
            BusyError: as many commands as allowed are running.
        """
        return self.start_chain([arguments], title, owner, next_path)

    def start_chain(
        self,
        steps: Sequence[Sequence[str]],
        title: str,
        owner: str,
        next_path: str | None = None,
        on_failure: Callable[[], None] | None = None,
    ) -> Command:
        """Start commands that follow one another, and return at once; the first that fails ends the chain.

        Args:
            steps: the arguments of each command.
            title: what they do, for people.
            owner: the user's name.
            next_path: the page that shows the result of the last one.
            on_failure: called when one has failed or was stopped.

        Raises:
            BusyError: as many commands as allowed are running.
        """
        if len(self._tasks) >= MAX_RUNNING:
            running = ", ".join(f"'{one.title}'" for one in self._commands.values() if one.is_running)
            raise BusyError(f"{running} are under way. Wait until one of them has ended, then try again.")
        command = Command(title, owner, next_path)
        self._commands[command.command_id] = command
        task = asyncio.create_task(self._run_chain(command, steps, on_failure))
        self._tasks[command.command_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(command.command_id, None))
        self._drop_old()
        return command

    async def run(self, arguments: Sequence[str], title: str, owner: str) -> Any:
        """Run a short command at once, however many others run, and return its result.

        Raises:
            ConsoleError: it failed; the message is the command's own sentence.
        """
        command = Command(title, owner, next_path=None)
        await self._run(command, arguments)
        if command.problem:
            raise ConsoleError(command.problem)
        return command.result

    def find(self, command_id: str, owner: str) -> Command:
        """Return a command of this user.

        Raises:
            NotFoundError: there is none; it may be too long ago, or the console was restarted since.
        """
        command = self._commands.get(command_id)
        if command is None or command.owner != owner:
            raise NotFoundError("This result is no longer kept. Start the command again.")
        return command

    async def close(self) -> None:
        """Stop the commands that are under way; each of them can be started again."""
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _run_chain(
        self, command: Command, steps: Sequence[Sequence[str]], on_failure: Callable[[], None] | None
    ) -> None:
        try:
            for arguments in steps:
                command.exit_code = None
                if len(steps) > 1:
                    command.lines.append(f"python -m {' '.join(arguments)}")
                await self._run(command, arguments)
                if command.problem:
                    return
        finally:
            if command.problem and on_failure:
                on_failure()

    async def _run(self, command: Command, arguments: Sequence[str]) -> None:
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", *arguments),
                cwd=ROOT,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=MAX_LINE_BYTES,
                start_new_session=True,
            )
        except OSError as error:
            command.problem = f"The command could not be started: {error.strerror}."
            command.exit_code = ExitCode.FAILED
            return
        try:
            _, errors = await asyncio.gather(_collect(process.stdout, command.lines), _read(process.stderr))
            exit_code = await process.wait()
        except BaseException:
            await _stop(process)
            command.exit_code = ExitCode.FAILED
            command.problem = "The command was stopped. Start it again."
            raise
        _finish(command, exit_code, errors)

    def _drop_old(self) -> None:
        ended = [name for name, command in self._commands.items() if not command.is_running]
        for name in ended[: max(0, len(self._commands) - MAX_KEPT)]:
            del self._commands[name]


async def _collect(stream: asyncio.StreamReader | None, lines: deque[str]) -> None:
    while stream is not None and (line := await stream.readline()):
        lines.append(line.decode(errors="replace").rstrip())


async def _read(stream: asyncio.StreamReader | None) -> str:
    return (await stream.read()).decode(errors="replace") if stream is not None else ""


def _finish(command: Command, exit_code: int, errors: str) -> None:
    """Take the result from the last line, or the reason from the errors."""
    command.exit_code = exit_code
    if exit_code in (ExitCode.DONE, ExitCode.NOTHING_TO_DO):
        command.result = json.loads(command.lines.pop()) if command.lines else None
        return
    message = errors.strip().splitlines()
    sentences = [line.removeprefix("error: ") for line in message if line.startswith("error: ")]
    if sentences:
        # A message can have several lines, such as one for each mistake in a file.
        command.problem = "\n".join(message[message.index(f"error: {sentences[0]}") :]).removeprefix("error: ")
    else:
        command.problem = message[-1] if message else f"The command ended with exit code {exit_code}."


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End the process and all that it started; after a while by force."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.communicate(), SECONDS_TO_STOP)
            return
