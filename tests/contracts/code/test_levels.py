"""A unit test starts no program, and its file's level follows from what it imports."""

import os
from pathlib import Path

import pytest

from tests.support.levels import level_of

pytestmark = pytest.mark.unit

TESTS = Path(__file__).parents[2]


def test_a_unit_test_cannot_start_a_program() -> None:
    with pytest.raises(AssertionError, match="A unit test starts a program"):
        os.system("true")


def test_a_file_that_reaches_a_program_through_its_helpers_is_an_integration_test(tmp_path: Path) -> None:
    light, heavy = tmp_path / "test_light.py", tmp_path / "test_heavy.py"
    light.write_text("import json\n")
    heavy.write_text("def test_it():\n    from tests.support.servers.redis_server import redis_server\n")
    assert (level_of(light), level_of(heavy)) == ("unit", "integration")
    assert level_of(TESTS / "e2e" / "test_journey.py") == "e2e"
