"""Collect what an admission leaves out, changes or finds noteworthy: each with a count and an example."""

import logging
from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

logger = logging.getLogger(__name__)


class Finding(BaseModel):
    """One kind of row, value or file that was left out or is noteworthy.

    Attributes:
        kind: Stable name in snake_case, for machines.
        table: The landing table, or None for the landing as a whole.
        count: Number of rows, values or files.
        message: Whole sentences for people, the count included.
        example: One file, row or value; never a customer's id, because many people read logs.
    """

    model_config = ConfigDict(frozen=True)

    kind: str
    table: str | None
    count: int
    message: str
    example: str | None = None

    def __str__(self) -> str:
        """Return the message with its example."""
        return self.message if self.example is None else f"{self.message} Example: {self.example}"


class Findings:
    """Collects the findings of one admission and logs each one at once.

    Args:
        logged: Whether to log; False if the findings are taken over by another collection, which logs them.
    """

    def __init__(self, logged: bool = True):
        self._logged = logged
        self._all: list[Finding] = []

    def __iter__(self) -> Iterator[Finding]:
        """Iterate over the findings in their order."""
        return iter(self._all)

    def add(self, kind: str, table: str | None, count: int, message: str, example: str | None = None) -> None:
        """Keep and log a finding; nothing if its count is 0."""
        if count:
            self.take(Finding(kind=kind, table=table, count=count, message=message, example=example))

    def take(self, finding: Finding) -> None:
        """Keep and log a finding of an earlier run, such as of an admission that is reused."""
        if finding not in self._all:
            self._all.append(finding)
            if self._logged:
                logger.info("note (%s): %s", finding.kind, finding)
