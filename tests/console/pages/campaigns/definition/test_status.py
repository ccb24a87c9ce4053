"""Only the status in a campaign's file is changed."""

from pathlib import Path

import pytest

from console.errors import ConsoleError
from console.pages.campaigns.definition.draft import draft_of, save
from console.pages.campaigns.definition.status import restore_status, set_status, with_status
from settings import Settings
from tests.support.marketing.campaign_shop import SIMPLE, write_campaign


def test_every_other_character_stays() -> None:
    text = 'id = "a" # the id\nstatus = \'draft\' # agreed\n\n[content]\nstatus = "x"\n'
    assert with_status(text, "running") == text.replace("'draft'", '"running"')


def test_a_file_without_a_status_gets_one_after_its_id() -> None:
    assert with_status('id = "a" # the id\n[x]\n', "stopped") == 'id = "a" # the id\nstatus = "stopped"\n[x]\n'


@pytest.mark.parametrize("text", ['"status" = "draft"\nid = "a"\n', 'x = """\nid = 1\n"""\n', "id = "])
def test_a_status_that_a_machine_cannot_change_is_left_to_a_person(text: str) -> None:
    with pytest.raises(ConsoleError, match='Write status = "running" there by hand'):
        with_status(text, "running")


def test_the_newest_file_or_the_one_that_a_person_saw_is_changed(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    write_campaign(settings.campaigns_folder, SIMPLE)
    stopped = set_status(settings, "simple", "stopped", "ann")
    assert stopped.fields["status"] == "stopped"
    with pytest.raises(ConsoleError, match="The user 'ann' changed"):
        set_status(settings, "simple", "running", "ann", base="of an older file")
    assert set_status(settings, "simple", "running", "ann", base=stopped.base).fields["status"] == "running"


def test_the_former_status_comes_back_although_somebody_saved_a_step_in_the_meantime(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    write_campaign(settings.campaigns_folder, SIMPLE.replace('"running"', '"draft"'))
    before = draft_of(settings, "simple")
    running = set_status(settings, "simple", "running", "ann")
    save(settings, "simple", running.base, running.text.replace("Inform everybody", "Inform all"), "bob")
    restore_status(settings, before, "ann")
    assert draft_of(settings, "simple").text == before.text.replace("Inform everybody", "Inform all")
    set_status(settings, "simple", "stopped", "bob")
    restore_status(settings, before, "ann")
    assert draft_of(settings, "simple").fields["status"] == "stopped"


def test_a_status_that_cannot_come_back_is_named(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    write_campaign(settings.campaigns_folder, SIMPLE.replace('"running"', '"draft"'))
    before = draft_of(settings, "simple")
    (settings.campaigns_folder / "simple.toml").write_text('"status" = "running"\nid = "simple"\n')
    with pytest.raises(ConsoleError, match='Write status = "draft" into its file'):
        restore_status(settings, before, "ann")
