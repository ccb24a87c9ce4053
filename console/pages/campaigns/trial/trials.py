"""Keep the newest dry run of each campaign and user, so that several steps can show its result."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from console.errors import NotFoundError
from console.web.command import Command
from console.web.commands import Commands

EXAMPLES = 10
"""Customers whose messages a dry run shows."""

MAX_KEPT = 200


@dataclass(frozen=True)
class Trial:
    """A dry run.

    Attributes:
        command: the command, which may still run.
        base: of the file that was tried.
    """

    command: Command
    base: str

    @property
    def result(self) -> dict[str, Any] | None:
        """Return what the dry run found; None while it runs, or if it failed."""
        if self.command.is_running or self.command.problem or not self.command.result:
            return None
        found: dict[str, Any] = self.command.result["campaigns"][0]
        return found


class Trials:
    """Start dry runs and find them again."""

    def __init__(self, commands: Commands):
        self._commands = commands
        self._ids: OrderedDict[tuple[str, str], tuple[str, str]] = OrderedDict()

    def start(
        self, campaign_id: str, base: str, owner: str, next_path: str, before: Sequence[Sequence[str]] = ()
    ) -> Trial:
        """Start a dry run; the newest of a campaign replaces the earlier one.

        Args:
            campaign_id: the campaign.
            base: of the file that is tried.
            owner: the user.
            next_path: the page that shows the result.
            before: the arguments of commands that must run first.

        Raises:
            BusyError: too many commands run.
        """
        arguments = ["marketing", "campaign", "plan", campaign_id, "--dry-run", "--examples", str(EXAMPLES)]
        title = "Write the lists, and try the plan" if before else "Try the plan; nothing is kept"
        command = self._commands.start_chain([*before, arguments], title, owner, next_path)
        self._ids[owner, campaign_id] = command.command_id, base
        self._ids.move_to_end((owner, campaign_id))
        while len(self._ids) > MAX_KEPT:
            self._ids.popitem(last=False)
        return Trial(command, base)

    def find(self, campaign_id: str, owner: str) -> Trial | None:
        """Return the newest dry run of a campaign by this user, if it is still kept."""
        command_id, base = self._ids.get((owner, campaign_id), ("", ""))
        try:
            return Trial(self._commands.find(command_id, owner), base)
        except NotFoundError:
            return None
