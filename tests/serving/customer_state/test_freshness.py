"""Features that are older than the bundle allows are noticed, and nothing else."""

from datetime import date, datetime

import pytest

from serving.customer_state.freshness import is_stale


@pytest.mark.parametrize(
    ("known_at", "stale"),
    [
        (datetime(2017, 12, 24, 5), True),  # 8 days before
        (datetime(2017, 12, 25, 5), False),  # 7 days before: allowed
        (datetime(2018, 1, 1, 5), False),
        (datetime(2018, 2, 1, 5), False),  # newer than the bundle: as it should be between two trainings
    ],
)
def test_only_features_older_than_the_bundle_by_more_than_the_limit_are_stale(known_at: datetime, stale: bool) -> None:
    assert is_stale({"event_timestamp": known_at}, date(2018, 1, 1), days=7) is stale


def test_undated_features_are_not_called_stale() -> None:
    assert not is_stale({}, date(2018, 1, 1), days=7)
