"""Commands in processes of their own: results, failures, limits, and their owners."""

import asyncio
import subprocess  # noqa: F401  (the console starts programs here: an integration test)
from pathlib import Path

import pytest

from console.errors import BusyError, ConsoleError, NotFoundError
from console.web.commands import MAX_RUNNING, Commands
from settings import Settings


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    return Commands(Settings(data=tmp_path))


def test_a_short_command_returns_its_result_or_its_own_sentence(commands: Commands) -> None:
    assert asyncio.run(commands.run(["outbox", "resume"], "Continue", "ann")) == {"was_paused": False}
    with pytest.raises(ConsoleError, match="nothing-there"):
        asyncio.run(commands.run(["marketing", "campaign", "check", "nothing-there"], "Check", "ann"))


def test_a_long_command_is_seen_by_its_owner_until_it_has_ended(commands: Commands) -> None:
    async def check() -> None:
        command = commands.start(["outbox", "status"], "Count", "ann", "/campaigns")
        assert commands.find(command.command_id, "ann").is_running
        with pytest.raises(NotFoundError):
            commands.find(command.command_id, "bob")
        assert commands.unfinished("ann", "/campaigns") is command
        assert commands.unfinished("bob", "/campaigns") is commands.unfinished("ann", "/") is None
        while command.is_running:
            await asyncio.sleep(0.05)
        assert command.exit_code == 0
        assert command.result["due"] == 0
        assert commands.unfinished("ann", "/campaigns") is None

    asyncio.run(check())


def test_a_function_between_commands_ends_the_chain_and_its_problem_stays_after_a_reload(commands: Commands) -> None:
    def refuse() -> None:
        raise ConsoleError("The file was changed.")

    def fail() -> None:
        raise ConsoleError("The status stays.")

    async def check() -> None:
        steps = [["outbox", "resume"], refuse, ["outbox", "status"]]
        command = commands.start_chain(steps, "Launch", "ann", "/campaigns", on_failure=fail)
        while command.is_running:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0)
        assert command.problem == "The file was changed.\nThe status stays."
        assert list(command.lines) == ["python -m outbox resume"]
        assert commands.unfinished("ann", "/campaigns") is command
        again = commands.start_chain([lambda: None], "Launch", "ann", "/campaigns")
        while again.is_running:
            await asyncio.sleep(0.05)
        assert commands.unfinished("ann", "/campaigns") is None

    asyncio.run(check())


def test_more_commands_than_allowed_are_refused_but_a_short_one_still_runs(commands: Commands) -> None:
    async def check() -> None:
        for _ in range(MAX_RUNNING):
            commands.start(["timeit", "-n1", "-r1", "__import__('time').sleep(60)"], "Sleep", "ann")
        with pytest.raises(BusyError, match="'Sleep', 'Sleep' are under way"):
            commands.start(["outbox", "status"], "Count", "ann")
        assert await commands.run(["outbox", "resume"], "Continue", "ann") == {"was_paused": False}
        await commands.close()

    asyncio.run(check())


def test_a_console_that_ends_stops_its_commands(commands: Commands) -> None:
    async def check() -> None:
        command = commands.start(["timeit", "-n1", "-r1", "__import__('time').sleep(60)"], "Sleep", "ann")
        await asyncio.sleep(0.3)
        await commands.close()
        assert command.problem == "The command was stopped. Start it again."

    asyncio.run(check())
