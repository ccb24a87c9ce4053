"""Limits follow the policy, the shop's own file, and earlier values alone."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from monitoring.errors import PolicyError
from monitoring.figures import WATCHES, Figure
from monitoring.policy import evaluated, load_policy

pytestmark = pytest.mark.unit


def test_every_watch_has_a_limit() -> None:
    policy = load_policy()
    assert {policy.of(watch).least >= 0 for watch in WATCHES} == {True}


def test_a_shops_own_file_replaces_the_limits_it_names(tmp_path: Path) -> None:
    own = tmp_path / "limits.toml"
    own.write_text("[silent_store]\nleast = 200.0\n")
    policy = load_policy(own)
    assert policy.of("silent_store").least == 200
    assert policy.of("price_unit") == load_policy().of("price_unit")


@pytest.mark.parametrize(
    ("text", "said"),
    [("[silent_shop]\nleast = 1.0", "silent_shop: no watch has this name"), ("[age]\nleast = -1", "age.least")],
)
def test_a_wrong_limit_is_named(tmp_path: Path, text: str, said: str) -> None:
    own = tmp_path / "limits.toml"
    own.write_text(text)
    with pytest.raises(PolicyError, match=said):
        load_policy(own)


def test_a_limit_depends_on_earlier_values_alone() -> None:
    values = [0.10, 0.12, 0.11, 0.10, 0.12, 0.11, 0.10, 0.12, 0.9]
    figures = [
        Figure("sources", date(2026, 1, 1) + timedelta(days=n), value, None, 500) for n, value in enumerate(values)
    ]
    found = evaluated(figures, load_policy())
    # Median .11, median absolute deviation .01: .11 + 6 × 1.4826 × .01.
    assert found[-1].limit == pytest.approx(0.11 + 6 * 1.4826 * 0.01)
    assert [one.is_alarm for one in found] == [False, True, True, False, True, True, False, False, True]
