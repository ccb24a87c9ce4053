"""The champion of a product: the version that is released. Every change is logged first, then the alias follows.

`log.jsonl` is the truth. A process that is killed between the two leaves the alias one change behind, readable and
consistent. The next change, or `status`, brings it up to date.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from core.clock import utc_now
from core.files.atomic import replace_file
from core.files.lock import exclusive_lock
from products import DEFAULT_PRODUCT
from registry.errors import DamagedRegistryError, GenerationConflictError, NothingToRollBackError
from registry.release_log import ALIAS, LOG, Change, Kind, ReleaseLog, former_file, readable_file


class ChampionAlias(BaseModel):
    """`champion.json`: the state after the newest change of champion. `version` is None if there is no champion."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    generation: int
    version: str | None
    previous: str | None
    changed_at: datetime
    reason: str
    by: str

    @classmethod
    def after(cls, change: Change) -> "ChampionAlias":
        """Return the alias as a change leaves it."""
        return cls(**change.model_dump(exclude={"change"}))


class Champion(ChampionAlias):
    """An alias that names a version."""

    version: str


class Registry:
    """The champion alias and the release log of one product.

    Reading takes no lock. Changes compare and swap: they name the generation that they expect, and fail if another
    change came first.
    """

    def __init__(self, release: Path, product: str = DEFAULT_PRODUCT):
        """Use `<release>/<product>/`.

        Args:
            release: the folder of all products' releases, `Paths.release`.
            product: the product's name.
        """
        self.product = product
        self._release = release
        self._folder = release / product
        self._alias_file = self._folder / ALIAS
        self._log = ReleaseLog(self._folder / LOG)

    def champion(self) -> Champion | None:
        """Return the champion, or None if there is none.

        Raises:
            DamagedRegistryError: the alias cannot be read.
        """
        alias = self.alias()
        if alias is None or alias.version is None:
            return None
        return Champion(**alias.model_dump())

    def alias(self) -> ChampionAlias | None:
        """Return the alias, or None before the first deployment.

        Raises:
            DamagedRegistryError: the alias cannot be read.
        """
        # Twice, because a writer may move the file to its present path between the look and the reading.
        for path in (readable_file(self._release, self.product, ALIAS), self._alias_file):
            try:
                return ChampionAlias.model_validate_json(path.read_bytes())
            except FileNotFoundError:
                continue
            except ValidationError as error:
                raise DamagedRegistryError(
                    f"{path} cannot be read. '.venv/bin/python -m registry status' writes it again from the log."
                ) from error
        return None

    def generation(self) -> int:
        """Return how often the champion changed so far, which the next change expects."""
        alias = self.alias()
        return 0 if alias is None else alias.generation

    def history(self) -> list[Change]:
        """Return every change and rejection, oldest first."""
        return ReleaseLog.of_product(self._release, self.product).read() or self._log.read()

    def reconcile(self) -> ChampionAlias | None:
        """Bring the alias up to the log, after a process was killed between the two, and return it."""
        with self._writing() as (alias, _):
            return alias

    def deploy(self, version: str, expect_generation: int | None, reason: str, by: str) -> Champion:
        """Make `version` the champion if the alias is still at `expect_generation` (None: at any).

        Deploying the champion again changes nothing, so a step that runs twice is harmless.

        Raises:
            GenerationConflictError: another change came first.
        """
        with self._writing() as (alias, changes):
            if alias is not None and alias.version == version:
                return Champion(**alias.model_dump())
            _expect(expect_generation, alias)
            after = [*rollback_stack(changes), version]
            return Champion(**self._change("deployed", after, alias, reason, by).model_dump())

    def rollback(self, reason: str, by: str, expect_generation: int | None = None) -> Champion:
        """Go back to the version that was champion before the present one was deployed.

        Each rollback goes one deployment further back. A version that was rolled back returns only by `deploy`.

        Raises:
            NothingToRollBackError: no version was champion before.
            GenerationConflictError: another change came first.
        """
        with self._writing() as (alias, changes):
            _expect(expect_generation, alias)
            stack = rollback_stack(changes)
            if len(stack) < 2:
                raise NothingToRollBackError(_no_earlier(stack, changes, self.product))
            return Champion(**self._change("rolled_back", stack[:-1], alias, reason, by).model_dump())

    def unset_champion(self, reason: str, by: str, expect_generation: int | None = None) -> ChampionAlias:
        """Leave no champion: for a first version that turned out to be broken."""
        with self._writing() as (alias, _):
            _expect(expect_generation, alias)
            return self._change("champion_unset", [], alias, reason, by)

    def log_rejection(self, version: str, reason: str, by: str) -> None:
        """Log that a version failed its checks. The champion stays."""
        with self._writing() as (alias, changes):
            self._log.append(
                Change(
                    change="rejected",
                    generation=0 if alias is None else alias.generation,
                    version=version,
                    previous=_rollback_target(rollback_stack(changes)),
                    changed_at=utc_now(),
                    reason=reason,
                    by=by,
                )
            )

    @contextmanager
    def _writing(self) -> Iterator[tuple[ChampionAlias | None, list[Change]]]:
        """Hold the lock over an alias that agrees with the log."""
        self._move_former_files()
        with exclusive_lock(self._folder):
            changes = self._log.read()
            try:
                alias = self.alias()
            except DamagedRegistryError:
                alias = None  # written again from the log just below
            moves = [change for change in changes if change.change != "rejected"]
            logged = ChampionAlias.after(moves[-1]) if moves else None
            if logged and (alias is None or alias.generation < logged.generation):
                self._write_alias(logged)
                alias = logged
            elif alias and (logged is None or alias.generation > logged.generation):
                # The log was lost or shortened. The champion is a fact, so the log starts again from it.
                lost = alias.model_copy(update={"reason": f"log lost; the alias had: {alias.reason}"})
                self._log.append(Change(change="recovered", **lost.model_dump()))
                changes = self._log.read()
            yield alias, changes

    def _move_former_files(self) -> None:
        """Move log and alias from where they were before products had folders.

        Both are copied before either is deleted, under the lock of the former layout. A process that is killed at any
        point leaves files that readers find, and the next writer continues.

        Raises:
            DamagedRegistryError: there are two logs, and the former one is not the beginning of the present one.
        """
        if not any((former := former_file(self._release, self.product, n)) and former.exists() for n in (LOG, ALIAS)):
            return
        with exclusive_lock(self._release), exclusive_lock(self._folder):
            moved = []
            for name in (LOG, ALIAS):
                former, present = self._release / name, self._folder / name
                if not former.exists():
                    continue
                content = former.read_bytes()
                if not present.exists():
                    replace_file(present, content)
                elif name == LOG and not present.read_bytes().startswith(content):
                    raise DamagedRegistryError(
                        f"{former} and {present} are both release logs, and differ. Keep the one that is right as "
                        f"{present}, and move the other one out of {self._release}."
                    )
                moved.append(former)
            for former in reversed(moved):
                former.unlink()

    def _change(self, kind: Kind, stack: list[str], alias: ChampionAlias | None, reason: str, by: str) -> ChampionAlias:
        """Log the change, then move the alias.

        Args:
            kind: what happens.
            stack: the champions afterwards, the present one last.
            alias: the alias before.
            reason: why, in a sentence.
            by: who does it.
        """
        entry = Change(
            change=kind,
            generation=1 if alias is None else alias.generation + 1,
            version=stack[-1] if stack else None,
            previous=_rollback_target(stack),
            changed_at=utc_now(),
            reason=reason,
            by=by,
        )
        self._log.append(entry)
        after = ChampionAlias.after(entry)
        self._write_alias(after)
        return after

    def _write_alias(self, alias: ChampionAlias) -> None:
        replace_file(self._alias_file, alias.model_dump_json(indent=2).encode() + b"\n")


def rollback_stack(changes: Sequence[Change]) -> list[str]:
    """Return the champion (last) and the versions that rollbacks would go back to, one after the other."""
    stack: list[str] = []
    for change in changes:
        if change.change == "rolled_back":
            del stack[-1:]
        elif change.change == "champion_unset":
            stack.clear()
        elif change.change == "recovered":
            stack = [version for version in (change.previous, change.version) if version]
        elif change.change == "deployed" and change.version:
            stack.append(change.version)
    return stack


def _expect(generation: int | None, alias: ChampionAlias | None) -> None:
    found = 0 if alias is None else alias.generation
    if generation is not None and generation != found:
        raise GenerationConflictError(generation, found, None if alias is None else alias.version)


def _rollback_target(stack: Sequence[str]) -> str | None:
    return stack[-2] if len(stack) > 1 else None


def _no_earlier(stack: Sequence[str], changes: Sequence[Change], product: str) -> str:
    if not stack:
        return "There is no champion to roll back from. Deploy a version first."
    message = f"{stack[0]} is champion and no deployed version is left before it."
    undone = [c.version for c in changes if c.change == "deployed" and c.version != stack[0]]
    if undone:
        of_product = "" if product == DEFAULT_PRODUCT else f" --product {product}"
        command = f".venv/bin/python -m registry deploy{of_product} --version {undone[-1]}"
        message += f" To return to {undone[-1]}, deploy it: '{command}'."
    return message
