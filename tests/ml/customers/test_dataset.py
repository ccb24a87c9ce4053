"""Which snapshots train, validate and evaluate: no outcome reaches into the next stage."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from ml.customers.config import load_config
from ml.customers.dataset import split
from ml.errors import MLError
from settings import Settings

INSTANTS = Settings(data=Path("/tmp")).snapshot_instants(date(2018, 1, 1))


def test_every_outcome_ends_before_the_next_stage_begins() -> None:
    config = load_config()
    windows = split(INSTANTS, config)
    horizon, clock = timedelta(weeks=config.horizon_weeks), timedelta(hours=2)

    assert windows.evaluation + horizon <= windows.now + clock
    assert max(windows.training) + horizon <= windows.evaluation + clock
    assert max(windows.training) == windows.validation
    assert max(windows.tuning) + horizon <= windows.validation + clock
    assert len(windows.training) == len(windows.tuning) == config.training_snapshots


def test_too_short_a_history_is_an_error_with_the_next_step() -> None:
    with pytest.raises(MLError, match="Raise REACH_SNAPSHOTS or bring more weeks"):
        split(INSTANTS[:9], load_config())
