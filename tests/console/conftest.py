"""A small shop with published scores, and a marketer who is logged in."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from settings import Settings
from tests.support.console.client import log_in, open_console
from tests.support.console.published import publish_scores


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation with the scores of 30 customers."""
    settings = Settings(data=tmp_path)
    publish_scores(settings)
    return settings


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """The console of that installation, used by a marketer."""
    with open_console(settings) as client:
        yield log_in(client, "marketer")
