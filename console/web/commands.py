"""Run Reach's commands in processes of their own, and keep what they print until a page has shown it.

A page that starts something long answers at once; its part `_command.html` then asks for progress every second. The
output can name customers, so it is kept in memory and never written to a log.
"""

import asyncio
import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from console.errors import BusyError, ConsoleError, NotFoundError
from console.web.command import Command
from console.web.process import run_process
from core.command import ExitCode
from settings import Settings

Step = Sequence[str] | Callable[[], None]
"""The arguments of `python -m`, or a function that raises ConsoleError if the chain must not go on."""

MAX_RUNNING = 2
"""Commands that run at the same time."""

MAX_KEPT = 50
"""Commands whose result is kept; the oldest that has ended is dropped first."""


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
        steps: Sequence[Step],
        title: str,
        owner: str,
        next_path: str | None = None,
        on_failure: Callable[[], None] | None = None,
    ) -> Command:
        """Start commands that follow one another, and return at once; the first that fails ends the chain.

        Args:
            steps: the arguments of each command, or a function between two commands.
            title: what they do, for people.
            owner: the user's name.
            next_path: the page that shows the result of the last one.
            on_failure: called when one has failed or was stopped; its ConsoleError is added to the problem.

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
        await run_process(command, arguments, self._environment)
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
            raise NotFoundError(
                f"The result of the command {command_id[:16]} was dropped: the console keeps {MAX_KEPT} results until "
                "it is restarted. Open the page on which you started the command, and start it again."
            )
        return command

    def unfinished(self, owner: str, next_path: str) -> Command | None:
        """Return the newest command of this user that leads to a page, if it runs or has failed.

        A page shows it again after a reload.
        """
        wanted = (owner, next_path)
        newest = next((one for one in reversed(self._commands.values()) if (one.owner, one.next_path) == wanted), None)
        return newest if newest and (newest.is_running or newest.problem) else None

    async def close(self) -> None:
        """Stop the commands that are under way; each of them can be started again."""
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _run_chain(self, command: Command, steps: Sequence[Step], on_failure: Callable[[], None] | None) -> None:
        try:
            for step in steps:
                command.exit_code = None
                await self._run_step(command, step, is_one_of_many=len(steps) > 1)
                if command.problem:
                    return
        finally:
            if command.problem and on_failure:
                try:
                    on_failure()
                except ConsoleError as error:
                    command.problem = f"{command.problem}\n{error}"

    async def _run_step(self, command: Command, step: Step, is_one_of_many: bool) -> None:
        if isinstance(step, Sequence):
            if is_one_of_many:
                command.lines.append(f"python -m {' '.join(step)}")
            await run_process(command, step, self._environment)
            return
        try:
            step()
        except ConsoleError as error:
            command.problem, command.exit_code = str(error), ExitCode.FAILED
        else:
            command.exit_code = ExitCode.DONE

    def _drop_old(self) -> None:
        ended = [name for name, command in self._commands.items() if not command.is_running]
        for name in ended[: max(0, len(self._commands) - MAX_KEPT)]:
            del self._commands[name]
