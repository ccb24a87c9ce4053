"""Run one of Reach's commands in a process of its own, and take its result from what it prints."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import deque
from collections.abc import Mapping, Sequence

from console.web.command import Command
from core.command import ExitCode
from settings import ROOT

SECONDS_TO_STOP = 5.0

MAX_LINE_BYTES = 16 * 2**20
"""The last line holds the whole result, such as the rendered messages of ten customers."""


async def run_process(command: Command, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run `python -m …` to its end, and write lines, result and problem into the command.

    Args:
        command: what the pages show.
        arguments: what follows `python -m`.
        environment: of the process.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", *arguments),
            cwd=ROOT,
            env=environment,
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
