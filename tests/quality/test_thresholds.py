"""Severities and limits are data: complete, with a reason each, and a shop can set every one of them."""

from pathlib import Path

import pytest

from quality.__main__ import main
from quality.check import BETWEEN, Check
from quality.errors import ThresholdsError
from quality.suites import features, feedback, landing, training
from quality.thresholds import load_thresholds

SUITES = {"landing": landing, "features": features, "training": training, "feedback": feedback}

CANNOT_BE_TRUE = {
    *("admitted_files_can_be_read", "admitted_files_are_as_admitted", "required_tables_have_rows"),
    *("required_values_are_present", "lines_lie_before_as_of", "products_are_unique", "customers_are_unique"),
    *("most_unit_prices_are_positive", "no_day_is_loaded_twice", "no_day_repeats_an_earlier_one"),
    *("as_of_is_near_the_newest_line", "most_products_sold_are_in_the_catalogue"),
    *("coupon_values_are_unique", "face_values_are_positive"),
}


def applied(checkpoint: str, own: Path | None = None) -> dict[str, Check]:
    suite = SUITES[checkpoint]
    return {check.name: check for check in load_thresholds(checkpoint, own).applied([*suite.FILES, *suite.REST])}


def own_file(folder: Path, text: str) -> Path:
    path = folder / "own.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("checkpoint", SUITES)
def test_every_check_has_a_severity_and_a_reason_and_every_section_a_check(checkpoint: str) -> None:
    thresholds, checks = load_thresholds(checkpoint, None).by_check, applied(checkpoint)
    assert set(thresholds) == set(checks)
    assert all(threshold.reason.endswith(".") for threshold in thresholds.values())


@pytest.mark.parametrize("checkpoint", SUITES)
def test_every_check_of_a_number_has_a_limit(checkpoint: str) -> None:
    numbers = [check for check in applied(checkpoint).values() if check.expectation == BETWEEN]
    assert numbers
    assert [check.name for check in numbers if not {"min_value", "max_value"} & set(check.arguments)] == []


def test_a_landing_is_stopped_only_by_what_cannot_be_true() -> None:
    assert {name for name, check in applied("landing").items() if check.severity == "critical"} == CANNOT_BE_TRUE


def test_a_shop_changes_a_limit_a_severity_and_turns_a_check_off(tmp_path: Path) -> None:
    own = own_file(
        tmp_path,
        """
        [landing.recent_volume_is_usual]
        max_value = 9
        severity = "critical"
        [landing.lines_are_fresh]
        severity = "off"
        """,
    )
    before, after = applied("landing"), applied("landing", own)
    assert set(before) - set(after) == {"lines_are_fresh"}
    changed = after["recent_volume_is_usual"]
    assert (changed.severity, changed.limit) == ("critical", "volume_ratio at least 0.3 and at most 9")
    assert {name for name, check in after.items() if check != before[name]} == {"recent_volume_is_usual"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[landings.x]\nseverity='off'", "there is no checkpoint 'landings'. Known: landing."),
        ("[landing.line_are_fresh]\nmax_value=1", "has no check 'line_are_fresh'. Known: lines_are_fresh"),
        ("[landing.lines_are_fresh]\nmax=1", r"\[landing.lines_are_fresh\] has no 'max'. Known: max_value"),
        ("[landing.lines_are_fresh]\nmin_value=1", "has no 'min_value'"),
        ("[landing.lines_are_fresh]\nseverity='error'", "severity = 'error': Input should be 'critical', 'warning' or"),
        ("[landing.lines_are_fresh]\nmax_value='30'", "max_value = '30': Input should be a valid number"),
        ("[landing.lines_are_fresh]\nmax_value=nan", "max_value = nan: Input should be a finite number"),
        ("[landing.recent_volume_is_usual]\nmin_value=3", "min_value = 3.0 is above max_value = 2.5"),
        ("[landing]\nlines_are_fresh = 30", "'landing' is not a section of checks"),
        ("max_value = 30", "'max_value' is not a section of checks"),
        ("[landing", "is not valid TOML"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_name_and_value(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ThresholdsError, match=rf"own\.toml.*{message}"):
        load_thresholds("landing", own_file(tmp_path, text))


def test_a_missing_file_is_an_error_of_the_command_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REACH_DATA", str(tmp_path))
    monkeypatch.setenv("REACH_QUALITY_THRESHOLDS", str(tmp_path / "none.toml"))
    assert main(["landing"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: REACH_QUALITY_THRESHOLDS names {tmp_path / 'none.toml'}, which cannot be read")
