"""`.env.example` and the settings agree."""

import re

import pytest
from pydantic_core import PydanticUndefined

from settings import RENAMED, ROOT, Settings, SettingsError, load_settings

LINES = (ROOT / ".env.example").read_text().splitlines()
DOCUMENTED = {name: value for line in LINES if re.match(r"[A-Z]", line) for name, _, value in [line.partition("=")]}


def test_every_setting_is_in_the_example_and_no_other() -> None:
    known = {f"REACH_{name}".upper() for name in Settings.model_fields}
    assert {name for name in DOCUMENTED if name.startswith("REACH_")} == known


def test_the_examples_values_are_the_defaults() -> None:
    for name, field in Settings.model_fields.items():
        documented = DOCUMENTED[f"REACH_{name}".upper()]
        assert field.default is not PydanticUndefined, name
        # The data directory's default depends on where the code lies; the example leaves it empty.
        expected = "" if name == "data" or field.default is None else str(field.default)
        assert documented == expected, name


def test_every_setting_is_explained() -> None:
    for number, line in enumerate(LINES):
        if re.match(r"[A-Z]", line):
            above = LINES[number - 1]
            assert above.startswith("#") or re.match(r"[A-Z]", above), f"{line} has no line of explanation"
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_example_holds_no_secret() -> None:
    secrets = [name for name in DOCUMENTED if re.search("PASSWORD|SECRET|KEY|ALERTS", name)]
    assert secrets
    assert [name for name in secrets if DOCUMENTED[name]] == []


@pytest.mark.parametrize("wrong", ["every night", "30 5 * *", "61 5 * * *", "@daily extra"])
def test_a_schedule_that_is_no_cron_expression_is_refused_with_an_example(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REACH_FEATURES_SCHEDULE", wrong)
    with pytest.raises(SettingsError, match=r"five fields, such as '30 5 \* \* \*'"):
        load_settings()


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_a_setting_of_an_earlier_version_is_refused_with_its_new_name(
    old: str, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert new in DOCUMENTED
    monkeypatch.setenv(old, "")  # docker-compose.yml passes it on, empty unless somebody sets it
    load_settings()
    monkeypatch.setenv(old, "7")
    with pytest.raises(SettingsError, match=f"{old} is now called {new}. Rename it"):
        load_settings()


def test_memory_limits_every_duckdb_connection_once_it_is_changed() -> None:
    assert Settings().duckdb_memory("512MB") == "512MB"
    assert Settings(memory="4GB").duckdb_memory("512MB") == "4GB"
