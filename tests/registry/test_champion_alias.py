"""The champion alias and its log: compare-and-swap, rollback, and what a killed process leaves behind."""

import json
import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from core.files import atomic
from registry.champion_alias import Registry
from registry.errors import DamagedRegistryError, GenerationConflictError, NothingToRollBackError

FORK = multiprocessing.get_context("fork")
"""Forked children inherit a test's patches, and need no imports of their own."""


def deploy(registry: Registry, *versions: str) -> None:
    for version in versions:
        registry.deploy(version, None, "a better model", "test")


def versions(registry: Registry) -> list[tuple[str, str | None]]:
    return [(change.change, change.version) for change in registry.history()]


def test_there_is_no_champion_before_the_first_deployment(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "release")

    assert registry.champion() is None
    assert registry.generation() == 0
    assert registry.history() == []


def test_a_deployment_is_in_the_pointer_and_in_the_log_with_who_and_why(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    registry.deploy("v1", 0, "the first", "anna")

    champion = registry.champion()
    assert champion is not None
    assert (champion.version, champion.generation, champion.previous) == ("v1", 1, None)
    (entry,) = registry.history()
    assert (entry.change, entry.version, entry.reason, entry.by) == ("deployed", "v1", "the first", "anna")
    assert set(json.loads((tmp_path / "recommender" / "champion.json").read_text())) == {
        "generation", "version", "previous", "changed_at", "reason", "by",
    }  # fmt: skip


def test_a_deployment_that_expects_another_generation_is_refused_and_says_both(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    deploy(registry, "v1", "v2")

    with pytest.raises(GenerationConflictError, match=r"generation 1, found 2 \(champion: v2\)"):
        registry.deploy("v3", 1, "late", "test")
    assert registry.champion().version == "v2"  # type: ignore[union-attr]


def test_deploying_the_champion_again_changes_nothing_so_a_repeated_step_does_no_harm(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    registry.deploy("v1", 0, "the first", "test")

    assert registry.deploy("v1", 0, "the first", "test").generation == 1
    assert len(registry.history()) == 1


def test_of_two_processes_that_race_exactly_one_wins_every_time(tmp_path: Path) -> None:
    for round_number in range(8):
        barrier = FORK.Barrier(2)
        rivals = [FORK.Process(target=_race, args=(tmp_path, f"r{round_number}-{i}", round_number, barrier))
                  for i in range(2)]  # fmt: skip
        for rival in rivals:
            rival.start()
        for rival in rivals:
            rival.join()
        assert {rival.exitcode for rival in rivals} == {0, 7}
    assert Registry(tmp_path).generation() == 8


def _race(folder: Path, version: str, expected: int, barrier: Barrier) -> None:
    barrier.wait()
    try:
        Registry(folder).deploy(version, expected, "race", "test")
    except GenerationConflictError:
        os._exit(7)
    os._exit(0)


def test_each_rollback_goes_one_deployment_further_back_and_the_last_says_what_to_do(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    deploy(registry, "v1", "v2", "v3")

    assert registry.rollback("worse", "test").version == "v2"
    assert registry.champion().previous == "v1"  # type: ignore[union-attr]
    assert registry.rollback("still worse", "test").version == "v1"
    with pytest.raises(NothingToRollBackError, match=r"v1 is champion and no deployed version is left before it.*v3"):
        registry.rollback("once more", "test")
    assert registry.champion().version == "v1"  # type: ignore[union-attr]


def test_a_version_that_was_rolled_back_does_not_return_by_a_later_rollback(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    deploy(registry, "v1", "bad")
    registry.rollback("bad", "test")
    deploy(registry, "v2")

    assert registry.rollback("worse", "test").version == "v1"


def test_a_rollback_that_expects_another_generation_is_refused(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    deploy(registry, "v1", "v2", "v3")

    with pytest.raises(GenerationConflictError):
        registry.rollback("verify failed", "test", expect_generation=2)


def test_unsetting_leaves_no_champion_and_the_next_deployment_starts_from_scratch(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    deploy(registry, "broken")
    registry.unset_champion("does not answer", "test", expect_generation=1)

    assert registry.champion() is None
    deploy(registry, "v2")
    with pytest.raises(NothingToRollBackError):
        registry.rollback("worse", "test")  # to 'broken'? Never.


def test_a_rejection_is_logged_and_the_champion_stays(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    deploy(registry, "v1")
    registry.log_rejection("v2", "altered", "test")

    assert registry.champion().version == "v1"  # type: ignore[union-attr]
    assert registry.generation() == 1
    assert versions(registry) == [("deployed", "v1"), ("rejected", "v2")]


KILL_POINTS = [
    "before the log",
    "in the middle of the log line",
    "after the log",
    "in the middle of the pointer",
    "before the rename",
]


@pytest.mark.parametrize("point", KILL_POINTS)
def test_a_process_killed_while_it_deploys_leaves_a_readable_champion_and_the_next_sets_it_right(
    tmp_path: Path, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(tmp_path)
    deploy(registry, "v1")
    _kill_at(point, monkeypatch)
    child = FORK.Process(target=deploy, args=(registry, "v2"))
    child.start()
    child.join()
    monkeypatch.undo()

    assert child.exitcode == -signal.SIGKILL
    assert registry.champion().version == "v1"  # type: ignore[union-attr]
    logged = KILL_POINTS.index(point) >= KILL_POINTS.index("after the log")
    assert registry.reconcile().version == ("v2" if logged else "v1")  # type: ignore[union-attr]

    deploy(registry, "v2")
    assert versions(registry) == [("deployed", "v1"), ("deployed", "v2")]
    assert registry.champion().generation == 2  # type: ignore[union-attr]
    assert registry.rollback("worse", "test").version == "v1"


def _kill_at(point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this process (a child forked later) kill itself at a point of the next change."""

    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    append, replace = atomic.append_line, atomic.replace_file

    def half_a_line(path: Path, line: bytes) -> None:
        with path.open("ab") as handle:
            handle.write(line[: len(line) // 2])
        die()

    def whole_line(path: Path, line: bytes) -> None:
        append(path, line)
        die()

    def half_a_file(path: Path, content: bytes) -> None:
        atomic.staging_path(path).write_bytes(content[: len(content) // 2])
        die()

    def no_rename(path: Path, content: bytes) -> None:
        monkeypatch.setattr(Path, "replace", die)
        replace(path, content)

    if point == "before the log":
        monkeypatch.setattr("registry.release_log.append_line", die)
    elif point == "in the middle of the log line":
        monkeypatch.setattr("registry.release_log.append_line", half_a_line)
    elif point == "after the log":
        monkeypatch.setattr("registry.release_log.append_line", whole_line)
    elif point == "in the middle of the pointer":
        monkeypatch.setattr("registry.champion_alias.replace_file", half_a_file)
    else:
        monkeypatch.setattr("registry.champion_alias.replace_file", no_rename)


def test_a_damaged_pointer_names_itself_and_is_written_again_from_the_log(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    deploy(registry, "v1", "v2")
    (tmp_path / "recommender" / "champion.json").write_text("{")

    with pytest.raises(DamagedRegistryError, match=r"champion\.json cannot be read.*registry status"):
        registry.champion()
    registry.reconcile()
    assert registry.champion().version == "v2"  # type: ignore[union-attr]


def test_a_lost_log_starts_again_from_the_version_that_serves(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    deploy(registry, "v1", "v2")
    (tmp_path / "recommender" / "log.jsonl").unlink()

    deploy(registry, "v3")
    assert versions(registry) == [("recovered", "v2"), ("deployed", "v3")]
    assert registry.generation() == 3
    assert [registry.rollback("worse", "test").version for _ in range(2)] == ["v2", "v1"]


def test_a_damaged_line_of_the_log_is_an_error_that_names_it(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    deploy(registry, "v1")
    log = tmp_path / "recommender" / "log.jsonl"
    log.write_bytes(b"nonsense\n" + log.read_bytes())

    with pytest.raises(DamagedRegistryError, match=r"Line 1 of .*log\.jsonl"):
        registry.history()


def test_the_log_only_ever_grows(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    before = b""
    for act in (
        lambda: deploy(registry, "v1"),
        lambda: deploy(registry, "v2"),
        lambda: registry.log_rejection("v3", "altered", "test"),
        lambda: registry.rollback("worse", "test"),
        lambda: registry.unset_champion("closed", "test"),
    ):
        act()
        now = (tmp_path / "recommender" / "log.jsonl").read_bytes()
        assert now.startswith(before)
        assert len(now) > len(before)
        before = now


FORMER = """\
{"change":"deployed","generation":1,"version":"v1","previous":null,"changed_at":"2018-01-01T10:00:00","reason":"a","by":"x"}
{"change":"refused","generation":1,"version":"v2","previous":null,"changed_at":"2018-01-02T10:00:00","reason":"b","by":"x"}
{"change":"withdrawn","generation":2,"version":null,"previous":null,"changed_at":"2018-01-03T10:00:00","reason":"c","by":"x"}
{"change":"deployed","generation":3,"version":"v3","previous":null,"changed_at":"2018-01-04T10:00:00","reason":"d","by":"x"}
{"change":"deployed","generation":4,"version":"v4","previous":"v3","changed_at":"2018-01-05T10:00:00","reason":"e","by":"x"}
"""
"""A log as it was written before products had folders and the kinds were renamed."""


@pytest.fixture
def former(tmp_path: Path) -> Path:
    """A release folder of the former layout, with v4 as the champion."""
    (tmp_path / "log.jsonl").write_text(FORMER)
    alias = json.loads(FORMER.splitlines()[-1])
    del alias["change"]
    (tmp_path / "champion.json").write_text(json.dumps(alias))
    return tmp_path


def test_the_former_layout_is_read_as_it_is(former: Path) -> None:
    registry = Registry(former)

    assert registry.champion().version == "v4"  # type: ignore[union-attr]
    assert versions(registry) == [
        ("deployed", "v1"), ("rejected", "v2"), ("champion_unset", None), ("deployed", "v3"), ("deployed", "v4"),
    ]  # fmt: skip
    assert (former / "log.jsonl").exists()
    assert Registry(former, "customers").champion() is None
    assert Registry(former, "customers").history() == []


def test_the_first_change_moves_the_former_layout_without_losing_a_line(former: Path) -> None:
    registry = Registry(former)

    assert registry.rollback("worse", "test").version == "v3"
    log = (former / "recommender" / "log.jsonl").read_text()
    assert log.startswith(FORMER)
    assert len(log.splitlines()) == 6
    assert [path.name for path in former.iterdir() if path.name != ".lock"] == ["recommender"]


def test_another_product_leaves_the_former_layout_alone(former: Path) -> None:
    deploy(Registry(former, "customers"), "c1")

    assert (former / "log.jsonl").read_text() == FORMER
    assert Registry(former, "customers").generation() == 1
    assert Registry(former).generation() == 4


@pytest.mark.parametrize("steps", range(4))
def test_a_process_killed_while_it_moves_the_former_layout_leaves_the_champion_readable(
    former: Path, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The move has four steps: copy the log, copy the alias, delete the alias, delete the log."""
    done: list[Path] = []

    def counted(act: Callable[..., None]) -> Callable[..., None]:
        def run(path: Path, *arguments: Any, **named: Any) -> None:
            if len(done) == steps:
                os.kill(os.getpid(), signal.SIGKILL)
            done.append(path)
            act(path, *arguments, **named)

        return run

    monkeypatch.setattr("registry.champion_alias.replace_file", counted(atomic.replace_file))
    monkeypatch.setattr(Path, "unlink", counted(Path.unlink))
    registry = Registry(former)
    child = FORK.Process(target=registry.reconcile)
    child.start()
    child.join()
    monkeypatch.undo()

    assert child.exitcode == -signal.SIGKILL
    assert registry.champion().version == "v4"  # type: ignore[union-attr]
    assert len(registry.history()) == 5
    assert registry.reconcile().generation == 4  # type: ignore[union-attr]
    assert (former / "recommender" / "log.jsonl").read_text() == FORMER
    assert [path.name for path in former.iterdir() if path.name != ".lock"] == ["recommender"]


def test_two_logs_that_differ_are_an_error_that_names_both(former: Path) -> None:
    (former / "recommender").mkdir()
    (former / "recommender" / "log.jsonl").write_text(FORMER.splitlines()[0] + "\n")

    with pytest.raises(DamagedRegistryError, match=r"log\.jsonl and .*log\.jsonl are both release logs"):
        deploy(Registry(former), "v5")
    assert (former / "log.jsonl").read_text() == FORMER


def test_each_product_has_a_champion_of_its_own(tmp_path: Path) -> None:
    deploy(Registry(tmp_path), "r1", "r2")
    deploy(Registry(tmp_path, "customers"), "c1")
    Registry(tmp_path).rollback("worse", "test")

    assert Registry(tmp_path).champion().version == "r1"  # type: ignore[union-attr]
    assert Registry(tmp_path, "customers").champion().version == "c1"  # type: ignore[union-attr]
    assert versions(Registry(tmp_path, "customers")) == [("deployed", "c1")]
