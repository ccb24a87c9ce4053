"""Fixtures every room may use."""

from pathlib import Path

import pytest

from tests.landing_samples import write_other, write_small


@pytest.fixture(scope="session")
def small_landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A landing of about 200 real customers over 40 weeks, all seven tables, as Parquet. Read only."""
    return write_small(tmp_path_factory.mktemp("small") / "landing")


@pytest.fixture(scope="session")
def other_landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another retailer's landing: two CSV files, text ids, a shop in Berlin. Read only."""
    return write_other(tmp_path_factory.mktemp("other") / "landing")
