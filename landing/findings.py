"""What an admission leaves out, changes or finds noteworthy: counted, with an example, logged and kept."""

from collections.abc import Callable, Iterator

from pydantic import BaseModel, ConfigDict


class Finding(BaseModel):
    """One kind of row, value or file that was left out or is noteworthy.

    kind: snake_case, stable, for machines. table: the landing table, or None for the landing as a whole.
    count: how many rows, values or files. message: whole sentences for people, the count included.
    example: one file, row or value; never a customer's id, because logs are read by many.
    """

    model_config = ConfigDict(frozen=True)

    kind: str
    table: str | None
    count: int
    message: str
    example: str | None = None

    def __str__(self) -> str:
        return self.message if self.example is None else f"{self.message} Example: {self.example}"


class Findings:
    """Collects the findings of one admission and logs each as it comes."""

    def __init__(self, say: Callable[[str], None]):
        self._say = say
        self._all: list[Finding] = []

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._all)

    def add(self, kind: str, table: str | None, count: int, message: str, example: str | None = None) -> None:
        """Keep and log a finding; nothing if its count is 0."""
        if count:
            self.take(Finding(kind=kind, table=table, count=count, message=message, example=example))

    def take(self, finding: Finding) -> None:
        """Keep and log a finding that may have been made earlier, such as by an admission that is used again."""
        if finding not in self._all:
            self._all.append(finding)
            self._say(f"note ({finding.kind}): {finding}")
