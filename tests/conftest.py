"""Fixtures that every package's tests may use, and the order of the tests."""

import sys
from pathlib import Path

import absl.logging
import pytest

from tests.support.landing.samples import write_other, write_small

# TensorFlow's logger takes the stream that pytest has put in the place of stderr, and closes it when Airflow configures
# logging: from then on nothing is written any more.
absl.logging.get_absl_handler().python_handler.setStream(sys.__stderr__)


@pytest.fixture(scope="session")
def small_landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A landing of about 200 real customers over 40 weeks, all seven tables, as Parquet. Read only."""
    return write_small(tmp_path_factory.mktemp("small") / "landing")


@pytest.fixture(scope="session")
def other_landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another retailer's landing: two CSV files, text ids, a shop in Berlin. Read only."""
    return write_other(tmp_path_factory.mktemp("other") / "landing")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the journeys first: a file is one worker's, so the longest one must not be the last to start."""
    items.sort(key=lambda item: item.get_closest_marker("e2e") is None)
