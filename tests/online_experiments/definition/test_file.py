"""An error of an experiment's file names line, value and what is allowed."""

from pathlib import Path

import pytest

from online_experiments.definition.file import read_experiment
from online_experiments.errors import DefinitionError

EXAMPLE = Path("online_experiments/example.toml")


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(EXAMPLE.read_text().splitlines(), 1) if line.startswith(text))


def test_the_example_is_an_experiment() -> None:
    found = read_experiment(EXAMPLE)
    assert found.shares == {"rule": 0.5, "model": 0.5}
    assert found.changes == {"model"}
    assert not found.is_aa_test


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("longest_days = 28", "longest_days = 0", "longest_days", "longest_days = 0: Input should be greater than"),
        ("longest_days = 28", "longest = 28", "longest_days", "longest is unknown. Did you mean longest_days?"),
        ("longest_days = 28", "", None, "longest_days is missing"),
        ('control = "rule"', 'control = "x"', "control", "Allowed: rule, model"),
        ("slots = [0, 50]", "slots = [50, 50]", "slots", "slots = [50, 50] hold no customer"),
        ("slots = [0, 50]", "slots = [0, 101]", "slots", "less than or equal to 100"),
        ('primary = "spend"', 'primary = "money"', "primary", "'conversion', 'spend', 'visits' or 'retention'"),
        ('primary = "spend"', 'primary = "clicks"', "guardrails", "guardrails hold the primary metric 'clicks'"),
        ('serve = "baseline"', 'serve = "basline"', 'serve = "baseline"', "variants.0.serve = 'basline'"),
        ('serve = "baseline"', 'serve = "version"', 'serve = "baseline"', "needs the field version"),
        ('serve = "baseline"', 'serve = "nothing"\ndiversity = 0.5', 'serve = "baseline"', "takes no diversity"),
        ("share = 0.5", "share = 0.7", "[[variants]]", "shares that add up to 1.2. They must add up to 1"),
        ('name = "model"', 'name = "rule"', "[[variants]]", "the name 'rule' twice"),
        ('id = "example"', 'id = "other"', "id", "the file is named 'example'"),
        ("[measure]", "[measure", None, "It is not TOML"),
    ],
)
def test_an_error_names_line_value_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, line: str | None, words: str
) -> None:
    text = EXAMPLE.read_text()
    assert old in text
    (tmp_path / "example.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(DefinitionError) as found:
        read_experiment(tmp_path / "example.toml")
    message = str(found.value)
    assert message.startswith("example.toml: ")
    assert words in message
    if line is not None:
        assert f"Line {line_of(line)}: " in message


def test_a_second_version_does_not_fit_into_memory(tmp_path: Path) -> None:
    text = EXAMPLE.read_text()
    text = text.replace('serve = "baseline"', 'serve = "version"\nversion = "v1"')
    text = text.replace('serve = "champion"', 'serve = "version"\nversion = "v2"')
    (tmp_path / "example.toml").write_text(text)
    with pytest.raises(DefinitionError, match=r"the versions v1, v2\. One version next to the champion is"):
        read_experiment(tmp_path / "example.toml")
