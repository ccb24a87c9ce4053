"""A campaign names a saved audience: its item and limits are filled in, and a wrong name is explained."""

import json
from pathlib import Path

import pytest

from marketing.__main__ import main
from marketing.audience.answer import Question
from marketing.audience.audience import Limits
from marketing.audience.question import Buyers
from marketing.audience.saved import save
from marketing.campaigns.definition.file import read_campaign
from marketing.campaigns.definition.saved_audience import with_saved_audience
from marketing.campaigns.errors import DefinitionError
from tests.support.marketing.campaign_shop import SIMPLE, campaign_shop, write_campaign

NAMED = SIMPLE.replace("everybody = true", 'saved = "milk-new"\nfilter = "lapse_8w > 0"')
QUESTION = Question("category", ["MILK"], Limits(Buyers.NEW, 5, 0.01))


def test_the_question_is_filled_in_and_is_a_part_of_the_version(tmp_path: Path) -> None:
    file, audiences = write_campaign(tmp_path / "campaigns", NAMED), tmp_path / "audiences"
    save(audiences, "milk-new", QUESTION)
    found = with_saved_audience(file, audiences)
    audience = found.campaign.audience
    assert (audience.saved, audience.category, audience.filter) == ("milk-new", "MILK", "lapse_8w > 0")
    assert (audience.buyers, audience.size, audience.min_probability) == (Buyers.NEW, 5, 0.01)
    assert with_saved_audience(file, audiences).version == found.version
    save(audiences, "milk-new", Question("product", ["p2", "p3"], Limits()))
    other = with_saved_audience(file, audiences)
    assert other.campaign.audience.products == ("p2", "p3")
    assert other.version != found.version


def test_a_name_that_is_not_saved_is_answered_with_line_and_the_saved_names(tmp_path: Path) -> None:
    file = write_campaign(tmp_path / "campaigns", NAMED)
    save(tmp_path / "audiences", "tea", QUESTION)
    with pytest.raises(DefinitionError, match=r"Line 8: audience.saved = 'milk-new': No audience .* Saved: 'tea'"):
        with_saved_audience(file, tmp_path / "audiences")


@pytest.mark.parametrize("field", ['category = "TEA"', "size = 3", 'buyers = "new"'])
def test_a_saved_audience_brings_its_own_item_and_limits(tmp_path: Path, field: str) -> None:
    with pytest.raises(DefinitionError, match="saved"):
        write_campaign(tmp_path, NAMED.replace('saved = "milk-new"', f'saved = "milk-new"\n{field}'))


def test_a_plan_reaches_the_customers_of_the_saved_audience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = campaign_shop(tmp_path / "data")
    monkeypatch.setenv("REACH_DATA", str(settings.data))
    write_campaign(settings.campaigns_folder, NAMED)
    save(settings.paths.audiences, "milk-new", QUESTION)
    arguments = ["--dry-run", "--as-of", "2018-01-01T12:00"]
    for named in ([], ["simple"]):  # every running campaign, and one by its id
        assert main(["campaign", "plan", *named, *arguments]) == 0
        counts = json.loads(capsys.readouterr().out.splitlines()[-1])["campaigns"][0]["counts"]
        assert sum(counts.values()) == 5
    (settings.paths.audiences / "milk-new.toml").unlink()
    assert main(["campaign", "plan", *arguments]) == 1
    assert "No audience is saved as 'milk-new'. Saved: none." in capsys.readouterr().err
    assert read_campaign(settings.campaigns_folder / "simple.toml").campaign.audience.has_item
