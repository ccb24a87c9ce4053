"""Fixtures of the tests of training."""

import pytest

from core.command import log_to_stdout


@pytest.fixture(autouse=True)
def progress_on_stdout() -> None:
    """Log progress as the commands do, so that a test of a step finds it on stdout."""
    log_to_stdout()
