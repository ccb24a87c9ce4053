import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.__main__ import main
from experiments.check.error_rates import broken_assignments_caught, error_rates
from experiments.check.hidden_future import hidden_future
from experiments.check.simulated import Design, simulate
from experiments.check.weekly_spend import read_weekly_spend
from experiments.errors import ExperimentError
from settings import Settings

WEEKS = 32


@pytest.fixture(scope="module")
def spend() -> np.ndarray:
    """500 customers with habits of their own, whose weeks are skewed and partly empty."""
    rng = np.random.default_rng(11)
    level = rng.gamma(1.5, 30.0, (500, 1))
    return level * rng.gamma(2.0, 0.5, (500, WEEKS)) * (rng.random((500, WEEKS)) < 0.8)


def test_nothing_planted_is_rarely_an_effect(spend: np.ndarray) -> None:
    rates = error_rates(spend, Design(weeks=3), 0.0, 300, seed=1)
    assert rates.wrong <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)
    assert rates.uncorrected > rates.wrong + 0.03
    assert rates.covered >= 0.92


def test_a_planted_effect_is_covered_and_shown(spend: np.ndarray) -> None:
    rates = error_rates(spend, Design(weeks=3), 0.25, 200, seed=1)
    assert rates.covered >= 0.91
    assert rates.shown > 0.8
    assert rates.harm == 0.0
    assert rates.se_factor < 0.8


def test_conversion_saturates_and_keeps_its_error_rate(spend: np.ndarray) -> None:
    design = Design(weeks=3, metric="conversion")
    drawn = simulate(spend, design, 0.0, np.random.default_rng(4))
    assert set(np.unique(drawn.outcome)) == {0.0, 1.0}
    assert (np.diff(drawn.outcome, axis=1) >= 0).all()
    rates = error_rates(spend, design, 0.0, 300, seed=1)
    assert rates.wrong <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


def test_the_planted_effect_is_in_the_treated_arm_only(spend: np.ndarray) -> None:
    planted, plain = (simulate(spend, Design(), lift, np.random.default_rng(4)) for lift in (0.1, 0.0))
    control = ~plain.is_treated
    assert np.array_equal(planted.outcome[control], plain.outcome[control])
    gained = (planted.outcome - plain.outcome)[plain.is_treated].mean(axis=0)
    assert np.allclose(gained, planted.truth, rtol=0.25)
    assert planted.truth[-1] == pytest.approx(0.1 * plain.outcome[:, -1].mean(), rel=0.1)


def test_covariates_do_not_see_the_experiment(spend: np.ndarray) -> None:
    changed = spend.copy()
    changed[:, -4 - 7 :] *= 2  # the weeks of the latest possible experiment, and all that may be before it
    first, second = (simulate(values, Design(), 0.0, FirstStart(5)) for values in (spend, changed))
    assert np.array_equal(first.before, second.before)


class FirstStart:
    """Chooses the earliest start, and chance otherwise."""

    def __init__(self, seed: int):
        self._rng = np.random.default_rng(seed)

    def integers(self, high: int) -> int:
        return high - 1

    def __getattr__(self, name: str) -> object:
        return getattr(self._rng, name)


def test_a_broken_assignment_is_caught_and_an_intact_one_is_not() -> None:
    assert broken_assignments_caught(0.48, 20_000, 500, seed=2) > 0.95
    assert broken_assignments_caught(0.5, 20_000, 500, seed=2) < 0.01


def test_hidden_targeting_looks_like_an_effect_and_passes_its_placebo(spend: np.ndarray) -> None:
    found = hidden_future(spend, 20, seed=3)
    assert found.significant > 0.8
    assert found.placebo_catches < 0.4
    assert found.bias > 0.02


def test_too_few_weeks_are_named(spend: np.ndarray) -> None:
    with pytest.raises(ExperimentError, match="There are 20 whole weeks of spend, and the check needs 27"):
        error_rates(spend[:, :20], Design(), 0.0, 1, seed=1)


def write_transactions(file: Path, rows: list[tuple[str | None, str, float]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    customer_ids, times, values = zip(*rows, strict=True)
    at = pa.array(np.array(times, dtype="datetime64[us]"))
    pq.write_table(pa.table({"customer_id": customer_ids, "transaction_at": at, "sales_value": values}), file)


def test_weeks_count_back_from_the_shops_day(tmp_path: Path) -> None:
    file = tmp_path / "landing" / "transactions.parquet"
    rows = [
        # 04:30 UTC on the first is still the evening of 31 December in New York.
        ("b", "2018-01-01T04:30:00", 10.0),
        ("b", "2017-12-25T05:00:00", 1.0),
        ("a", "2017-12-25T04:59:59", 2.0),
        (None, "2017-12-30T12:00:00", 99.0),
        ("a", "2017-12-11T05:00:00", 3.0),
        ("a", "2017-12-11T04:00:00", 7.0),  # the oldest week is not whole
    ]
    write_transactions(file, rows)
    weekly = read_weekly_spend(file, Settings(data=tmp_path))
    assert weekly.until.isoformat() == "2018-01-01T05:00:00"
    assert weekly.customer_ids.tolist() == ["a", "b"]
    assert weekly.spend.tolist() == [[3.0, 2.0, 0.0], [0.0, 0.0, 11.0]]


def test_the_command_prints_the_bars_figures(
    tmp_path: Path, spend: np.ndarray, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REACH_DATA", str(tmp_path))
    weeks = np.datetime64("2017-12-30T12:00:00") - np.timedelta64(7, "D") * np.arange(WEEKS)[::-1]
    rows = [
        (f"c{customer:03}", str(weeks[week]), float(value))
        for customer, of_customer in enumerate(spend[:260])
        for week, value in enumerate(of_customer)
        if value
    ]
    write_transactions(tmp_path / "landing" / "transactions.parquet", rows)
    assert main(["check", "--draws", "10"]) == 0
    printed = capsys.readouterr().out.splitlines()
    figures = json.loads(printed[-1])
    assert list(figures) == [
        *(
            "aa_draws",
            "aa_false_positives",
            "aa_daily_false_positives",
            "power_10_daily",
            "covered_5",
            "covered_10",
            "power_5",
            "power_10",
        ),
        *("broken_assignment_caught", "cuped_se_factor"),
    ]
    assert figures["aa_draws"] == 10
    assert printed[0].startswith("Spend of 260 customers in 31 weeks to 2017-12-31")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "There are no transactions at"),
        (["--draws", "0"], "--draws is 0"),
        (["--transactions", __file__], "cannot be read as Parquet"),
    ],
)
def test_a_check_without_data_ends_with_the_next_step(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.setenv("REACH_DATA", str(tmp_path))
    assert main(["check", *arguments]) == 1
    assert message in capsys.readouterr().err


def test_a_file_without_a_column_is_named(tmp_path: Path) -> None:
    file = tmp_path / "other.parquet"
    pq.write_table(pa.table({"customer_id": ["a"]}), file)
    with pytest.raises(ExperimentError, match="has no column sales_value, transaction_at"):
        read_weekly_spend(file, Settings(data=tmp_path))
