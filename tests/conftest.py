"""Fixtures that every package's tests may use, and the order of the tests."""

import sys
from collections.abc import Generator
from pathlib import Path

import absl.logging
import croniter  # noqa: F401  (its import asks the program `file` about the machine: not in a unit test)
import pytest

from tests.support.landing.samples import write_other, write_small
from tests.support.levels import LEVELS, level_of

UNIT_TIMEOUT_S = 60

# TensorFlow's logger takes the stream that pytest has put in the place of stderr, and closes it when Airflow configures
# logging: from then on nothing is written any more.
absl.logging.get_absl_handler().python_handler.setStream(sys.__stderr__)


@pytest.fixture(scope="session")
def small_landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A landing of about 200 real customers over 40 weeks, all tables that the demo has, as Parquet. Read only."""
    return write_small(tmp_path_factory.mktemp("small") / "landing")


@pytest.fixture(scope="session")
def other_landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another retailer's landing: two CSV files, text ids, a shop in Berlin. Read only."""
    return write_other(tmp_path_factory.mktemp("other") / "landing")


STARTS_A_PROGRAM = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "os.exec"}
level = {"now": ""}


def no_program_in_a_unit_test(event: str, arguments: tuple[object, ...]) -> None:
    """Fail a unit test that starts a program: tests/support/levels.py calls its file light, and it is not."""
    if event in STARTS_A_PROGRAM and level["now"] == "unit":
        raise AssertionError(f"A unit test starts a program: {event}{arguments[:2]}. Mark its file as integration.")


sys.addaudithook(no_program_in_a_unit_test)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the other files unread where only unit tests are asked for: their imports alone take half a minute."""
    is_other = config.getoption("markexpr") == "unit" and collection_path.name.startswith("test_")
    return True if is_other and level_of(collection_path) != "unit" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every test its level, and put the journeys first.

    A file is one worker's, so the longest one must not be the last to start.
    """
    for item in items:
        named = [name for name in LEVELS if item.get_closest_marker(name)]
        name = named[0] if named else level_of(item.path)
        item.add_marker(name)
        if name == "unit":
            item.add_marker(pytest.mark.timeout(UNIT_TIMEOUT_S))
    items.sort(key=lambda item: item.get_closest_marker("e2e") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Record the level of the running test for the audit hook; a fixture belongs to the first test that uses it."""
    level["now"] = "unit" if item.get_closest_marker("unit") else ""
    try:
        return (yield)
    finally:
        level["now"] = ""
