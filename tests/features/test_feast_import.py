"""Feast is imported without typeguard's checks, by the commands as well, and the checks are back afterwards."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import typeguard

from features.feast_import import typeguard_disabled
from settings import ROOT

READ_AGAINST = "4.6.0"
"""The version of typeguard whose interface features/feast_import.py replaces. Read that file before you change it."""

CODE = """
import sys
import ml.steps.register_model
assert "feast" not in sys.modules
from ml.__main__ import main
assert main(["build-dataset", "--run-id=r1", "--as-of=2018-01-01"]) == 1  # nothing is published there
import feast
assert not hasattr(feast.FeatureView.__init__, "__wrapped__")
feast.FileSource(name="s", path=1)  # checked, this would be an error
"""


def test_it_was_read_against_the_installed_version() -> None:
    assert version("typeguard") == READ_AGAINST


def test_decorated_classes_stay_as_they_are_written() -> None:
    def length(text: str) -> int:
        return len(text)

    with typeguard_disabled():
        assert typeguard.typechecked(length) is length
        check: Any = typeguard.typechecked
        assert check(collection_check_strategy=None)(length) is length


def test_the_checks_are_back_afterwards() -> None:
    before = typeguard.typechecked
    with typeguard_disabled():
        assert typeguard.typechecked is not before
    assert typeguard.typechecked is before


def test_a_command_of_training_reads_feast_without_them_and_registration_needs_no_feast(tmp_path: Path) -> None:
    environment = {**os.environ, "REACH_DATA": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
