"""An error of a campaign's file names line, value and what is allowed; any change of content is a new version."""

from pathlib import Path

import pytest

from marketing.campaigns.definition.file import read_campaign
from marketing.campaigns.errors import DefinitionError
from tests.support.marketing.campaign_shop import SIMPLE, write_campaign

EXAMPLE = Path("marketing/campaigns/example.toml")


def broken(folder: Path, old: str, new: str) -> str:
    """The message of the error after one change of the example."""
    text = EXAMPLE.read_text()
    assert old in text
    with pytest.raises(DefinitionError) as found:
        write_campaign(folder, text.replace(old, new, 1), "example")
    return str(found.value)


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(EXAMPLE.read_text().splitlines(), 1) if line.startswith(text))


def test_the_example_is_a_campaign() -> None:
    found = read_campaign(EXAMPLE)
    assert found.campaign.id == "example"
    assert [content.name for content in found.campaign.content] == ["high-value", "others"]


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("holdout = 0.2", "holdout = 1.5", "holdout", ["experiment.holdout = 1.5", "less than 1"]),
        ("holdout = 0.2", "hold_out = 0.2", "holdout", ["experiment.hold_out is unknown", "Did you mean holdout?"]),
        ('type = "lapse_rising"', 'type = "lapse"', "[trigger]", ["'lapse_rising', 'categories_due'"]),
        ("cooldown_days = 56", "cooldown = 56", "cooldown_days", ["trigger.cooldown is unknown", "cooldown_days"]),
        ('name = "others"', 'nme = "others"', "[[content]]", ["content.1.name is missing"]),
        ('name = "others"', 'name = "high-value"', None, ["content has the name 'high-value' twice"]),
        ("looks = [2018-01-15, 2018-01-29]", "looks = [2018-01-29, 2018-01-15]", "looks", ["ascending order"]),
        ("least = 2", "least = 4", "least", ["least = 4 is above count = 3"]),
        ('times = "lapse_8w"', 'times = "offer"', "times", ["needs an offer"]),
        ('id = "example"', 'id = "other"', "id", ["id = 'other', but the file is named 'example'"]),
    ],
)
def test_an_error_names_line_value_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, line: str | None, words: list[str]
) -> None:
    message = broken(tmp_path, old, new)
    assert message.startswith("example.toml: ")
    assert all(word in message for word in words), message
    if line == "[[content]]":
        content = line_of('name = "others"') - 1
        assert f"Line {content}: " in message
    elif line:
        assert f"Line {line_of(line)}: " in message


def test_all_problems_are_named_at_once(tmp_path: Path) -> None:
    message = broken(tmp_path, 'status = "draft"', 'status = "on"\nbudgets = 3')
    assert "2 problems" in message
    assert "'draft', 'running' or 'stopped'" in message
    assert "budgets is unknown. Did you mean budget?" in message


def test_text_that_is_not_toml_is_named_with_its_line(tmp_path: Path) -> None:
    assert "at line 3" in broken(tmp_path, 'id = "example"', 'id = "example')


def test_content_below_one_without_a_filter_is_refused(tmp_path: Path) -> None:
    message = broken(tmp_path, """filter = 'segment.value = "high"'\n""", "")
    assert "content 'high-value' has no filter, so nothing below it is used" in message


def test_the_version_follows_the_content_and_not_comments_or_the_status(tmp_path: Path) -> None:
    first = write_campaign(tmp_path, SIMPLE).version
    assert write_campaign(tmp_path, "# A comment.\n" + SIMPLE).version == first
    assert write_campaign(tmp_path, SIMPLE.replace('"running"', '"stopped"')).version == first
    assert write_campaign(tmp_path, SIMPLE.replace("Hello", "Good day")).version != first
