"""The champion: which version serves. Every change is logged first, then the pointer follows the log.

`log.jsonl` is the truth. A process killed between the two leaves the pointer one change behind, readable and
consistent; the next change, or `status`, moves it on.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from core.atomic_files import replace_file
from core.clock import utc_now
from core.exclusive_lock import exclusive_lock
from registry.errors import DamagedReleaseError, NothingToRollBackError, ReleaseConflictError
from registry.release_log import Change, Kind, ReleaseLog


class Pointer(BaseModel):
    """`champion.json`: the state after the newest change of champion. `version` is None if none serves."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    generation: int
    version: str | None
    previous: str | None
    changed_at: datetime
    reason: str
    by: str

    @classmethod
    def after(cls, change: Change) -> "Pointer":
        return cls(**change.model_dump(exclude={"change"}))


class Champion(Pointer):
    """The version that serves."""

    version: str


class Registry:
    """The champion pointer and the release log of one folder.

    Reading takes no lock. Changes compare and swap: they name the generation they expect, and lose against a
    change that came first.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._pointer = folder / "champion.json"
        self._log = ReleaseLog(folder / "log.jsonl")

    def champion(self) -> Champion | None:
        """The version that serves, or None. Raises DamagedReleaseError if the pointer cannot be read."""
        pointer = self.pointer()
        if pointer is None or pointer.version is None:
            return None
        return Champion(**pointer.model_dump())

    def pointer(self) -> Pointer | None:
        """The pointer as it stands, or None before the first deployment."""
        try:
            return Pointer.model_validate_json(self._pointer.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise DamagedReleaseError(
                f"{self._pointer} cannot be read. '.venv/bin/python -m registry status' writes it again from the log."
            ) from error

    def generation(self) -> int:
        """How often the champion changed so far: what the next change expects."""
        pointer = self.pointer()
        return 0 if pointer is None else pointer.generation

    def history(self) -> list[Change]:
        """Every change and refusal, oldest first."""
        return self._log.read()

    def reconcile(self) -> Pointer | None:
        """Bring the pointer up to the log, after a process was killed between the two."""
        with self._writing() as (pointer, _):
            return pointer

    def deploy(self, version: str, expect_generation: int | None, reason: str, by: str) -> Champion:
        """Make `version` the champion if the pointer is still at `expect_generation` (None: wherever it is).

        Deploying the champion once more changes nothing, so that a step which ran twice does no harm.
        Raises ReleaseConflictError if another change came first.
        """
        with self._writing() as (pointer, changes):
            if pointer is not None and pointer.version == version:
                return Champion(**pointer.model_dump())
            _expect(expect_generation, pointer)
            before = [*champions(changes), version]
            return Champion(**self._change("deployed", before, pointer, reason, by).model_dump())

    def rollback(self, reason: str, by: str, expect_generation: int | None = None) -> Champion:
        """Go back to the version that was champion before the present one was deployed.

        Each rollback goes one deployment further back; what was rolled back returns only by `deploy`.
        Raises NothingToRollBackError if nothing served before.
        """
        with self._writing() as (pointer, changes):
            _expect(expect_generation, pointer)
            stack = champions(changes)
            if len(stack) < 2:
                raise NothingToRollBackError(_no_earlier(stack, changes))
            return Champion(**self._change("rolled_back", stack[:-1], pointer, reason, by).model_dump())

    def withdraw(self, reason: str, by: str, expect_generation: int | None = None) -> Pointer:
        """Leave no champion at all: for a first version that turned out broken."""
        with self._writing() as (pointer, _):
            _expect(expect_generation, pointer)
            return self._change("withdrawn", [], pointer, reason, by)

    def refuse(self, version: str, reason: str, by: str) -> None:
        """Log that a version was not let in; the champion stays."""
        with self._writing() as (pointer, changes):
            self._log.append(
                Change(
                    change="refused",
                    generation=0 if pointer is None else pointer.generation,
                    version=version,
                    previous=_second(champions(changes)),
                    changed_at=utc_now(),
                    reason=reason,
                    by=by,
                )
            )

    @contextmanager
    def _writing(self) -> Iterator[tuple[Pointer | None, list[Change]]]:
        """Hold the lock over a pointer that agrees with the log."""
        with exclusive_lock(self._folder):
            changes = self._log.read()
            try:
                pointer = self.pointer()
            except DamagedReleaseError:
                pointer = None  # written again from the log just below
            moves = [change for change in changes if change.change != "refused"]
            logged = Pointer.after(moves[-1]) if moves else None
            if logged and (pointer is None or pointer.generation < logged.generation):
                self._point_at(logged)
                pointer = logged
            elif pointer and (logged is None or pointer.generation > logged.generation):
                # The log was lost or cut; the version that serves is a fact, so the log starts again from it.
                lost = pointer.model_copy(update={"reason": f"log lost; it said: {pointer.reason}"})
                self._log.append(Change(change="recovered", **lost.model_dump()))
                changes = self._log.read()
            yield pointer, changes

    def _change(self, kind: Kind, stack: list[str], pointer: Pointer | None, reason: str, by: str) -> Pointer:
        """Log the change, then move the pointer. `stack`: the champions afterwards, the present one last."""
        entry = Change(
            change=kind,
            generation=1 if pointer is None else pointer.generation + 1,
            version=stack[-1] if stack else None,
            previous=_second(stack),
            changed_at=utc_now(),
            reason=reason,
            by=by,
        )
        self._log.append(entry)
        after = Pointer.after(entry)
        self._point_at(after)
        return after

    def _point_at(self, pointer: Pointer) -> None:
        replace_file(self._pointer, pointer.model_dump_json(indent=2).encode() + b"\n")


def champions(changes: Sequence[Change]) -> list[str]:
    """The champion (last) and those that rollbacks would go back to, one after the other."""
    stack: list[str] = []
    for change in changes:
        if change.change == "rolled_back":
            del stack[-1:]
        elif change.change == "withdrawn":
            stack.clear()
        elif change.change == "recovered":
            stack = [version for version in (change.previous, change.version) if version]
        elif change.change == "deployed" and change.version:
            stack.append(change.version)
    return stack


def _expect(generation: int | None, pointer: Pointer | None) -> None:
    found = 0 if pointer is None else pointer.generation
    if generation is not None and generation != found:
        raise ReleaseConflictError(generation, found, None if pointer is None else pointer.version)


def _second(stack: Sequence[str]) -> str | None:
    return stack[-2] if len(stack) > 1 else None


def _no_earlier(stack: Sequence[str], changes: Sequence[Change]) -> str:
    if not stack:
        return "There is no champion to roll back from. Deploy a version first."
    message = f"{stack[0]} is champion and no deployed version is left before it."
    undone = [c.version for c in changes if c.change == "deployed" and c.version != stack[0]]
    if undone:
        command = f".venv/bin/python -m registry deploy --version {undone[-1]}"
        message += f" To return to {undone[-1]}, deploy it: '{command}'."
    return message
