"""The files of campaigns: how the console writes them, and that no change is lost."""

import tomllib
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest

from console.errors import ConflictError, NotFoundError
from console.pages.campaigns.definition.draft import HEADER, ChangedError, create, draft_of, save, written
from marketing.campaigns.errors import DefinitionError
from settings import Settings
from tests.support.marketing.campaign_shop import SIMPLE, write_campaign

FIELDS: dict[str, Any] = {
    "id": "win-back",
    "goal": 'Bring "them" back',
    "message_class": "promotional",
    "purpose": "marketing",
    "audience": {"filter": "spend_8w > 20"},
    "schedule": {"starts": date(2018, 1, 1), "send_at": time(9)},
    "content": [{"name": "all", "subject": "Hello", "text": 'One\n"""\n\\ {{ unsubscribe_url }}\n'}],
    "experiment": {"holdout": 0.2, "looks": [date(2018, 1, 15)]},
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


def test_a_file_holds_what_was_written_and_can_be_edited_by_forms(settings: Settings) -> None:
    draft = create(settings, FIELDS, "ann")
    assert draft.text.startswith(HEADER)
    assert tomllib.loads(draft.text) == FIELDS
    assert draft.has_form
    assert draft.checked().campaign.content[0].text == FIELDS["content"][0]["text"].strip()
    assert not list(draft.path.parent.glob("*staging*"))


def test_a_file_with_a_comment_has_no_form(settings: Settings) -> None:
    write_campaign(settings.campaigns_folder, SIMPLE)
    assert not draft_of(settings, "simple").has_form
    draft = create(settings, FIELDS, "ann")
    draft.path.write_text(draft.text.replace("[audience]", "# Agreed with Ann.\n[audience]"))
    assert not draft_of(settings, "win-back").has_form
    assert draft_of(settings, "win-back").problems() == []


def test_the_second_of_two_changes_is_refused_and_overwrites_nothing(settings: Settings) -> None:
    base = create(settings, FIELDS, "ann").base
    first = save(settings, "win-back", base, written(FIELDS | {"goal": "The first"}), "ann")
    with pytest.raises(ChangedError) as caught:
        save(settings, "win-back", base, written(FIELDS | {"goal": "The second"}), "bob")
    assert draft_of(settings, "win-back").text == first.text
    assert "The first" in caught.value.now.text
    assert "The second" in caught.value.text
    assert str(caught.value).startswith("The user 'ann' changed the campaign 'win-back' first")
    first.path.write_text(first.text.replace("The first", "By hand"))
    with pytest.raises(ChangedError, match="Somebody outside the console changed"):
        save(settings, "win-back", first.base, written(FIELDS), "bob")


def test_what_is_not_a_campaign_is_not_written(settings: Settings) -> None:
    draft = create(settings, FIELDS, "ann")
    for text, problem in (
        ("id = ", "It is not TOML"),
        (written(FIELDS | {"budget": {"messages": "many"}}), "budget.messages = 'many'"),
        (written(FIELDS | {"id": "other"}), "Make them equal"),
    ):
        with pytest.raises(DefinitionError, match=problem):
            save(settings, "win-back", draft.base, text, "ann")
    assert draft_of(settings, "win-back").text == draft.text


def test_a_new_campaign_needs_an_id_of_its_own(settings: Settings) -> None:
    create(settings, FIELDS, "ann")
    with pytest.raises(ConflictError, match="exists already"):
        create(settings, FIELDS, "ann")
    for name, problem in (("past", "address of another page"), ("../x", "id = '../x'"), ("", "id = ''")):
        with pytest.raises(DefinitionError, match=problem):
            create(settings, FIELDS | {"id": name}, "ann")
    assert [file.name for file in settings.campaigns_folder.glob("*.toml")] == ["win-back.toml"]


@pytest.mark.parametrize("name", ["nothing", "..", "../outbox", "a" * 80])
def test_an_unknown_campaign_is_not_found(settings: Settings, name: str) -> None:
    with pytest.raises(NotFoundError, match="has no file in"):
        draft_of(settings, name)
