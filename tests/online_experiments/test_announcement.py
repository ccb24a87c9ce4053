"""An announcement fixes an experiment, unless another one stands in its way."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from core.clock import utc_now
from online_experiments.announcement import announce, read_announcement, read_announcements, stop
from online_experiments.errors import AnnouncementError
from settings import Settings
from tests.support.online_experiments.announced import announced, experiment, variants

DIVERSE = variants(same={}, wide={"diversity": 0.5})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


def test_an_announcement_runs_from_now_to_the_end_of_its_last_day(settings: Settings) -> None:
    found = announce(settings, experiment(longest_days=3), "ana")
    assert found.is_running(utc_now())
    assert found.ends_at - found.starts_at <= timedelta(days=3, hours=1)
    assert not found.is_running(found.ends_at)
    assert read_announcement(settings.paths.announced_experiments, "rule-or-model") == found
    assert len(bytes.fromhex(found.salt)) == 16


def test_experiments_of_one_layer_need_other_slots(settings: Settings) -> None:
    announce(settings, experiment(slots=(0, 50)), "ana")
    announce(settings, experiment(id="second", slots=(50, 100)), "ana")
    with pytest.raises(AnnouncementError, match=r"'third' has the slots \[49, 50\] of layer 'model', and so has 'rule"):
        announce(settings, experiment(id="third", slots=(49, 50)), "ana")


def test_experiments_of_two_layers_change_different_things(settings: Settings) -> None:
    announce(settings, experiment(), "ana")
    announce(settings, experiment(id="wide", layer="diversity", control="same", variants=DIVERSE), "ana")
    with pytest.raises(AnnouncementError, match="'again' in layer 'other' changes model, and so does 'rule-or-model'"):
        announce(settings, experiment(id="again", layer="other"), "ana")


def test_two_versions_do_not_fit_into_memory(settings: Settings) -> None:
    first, second = (
        experiment(
            id=f"e{number}",
            slots=(50 * number, 50 * number + 50),
            variants=variants(rule={"serve": "baseline"}, new={"serve": "version", "version": f"v{number}"}),
        )
        for number in range(2)
    )
    announce(settings, first, "ana")
    with pytest.raises(AnnouncementError, match=r"'e1' serves version v1, and 'e0'.*serves v0"):
        announce(settings, second, "ana")


def test_a_stopped_experiment_leaves_its_slots_and_keeps_its_id(settings: Settings) -> None:
    announce(settings, experiment(), "ana")
    stopped = stop(settings, "rule-or-model", "it harms", "ben")
    assert not stopped.is_running(utc_now())
    assert (stopped.stop_reason, stopped.stopped_by, stopped.state(utc_now())) == ("it harms", "ben", "stopped")
    announce(settings, experiment(id="next"), "ana")
    with pytest.raises(AnnouncementError, match="an id names one experiment"):
        announce(settings, experiment(), "ana")
    with pytest.raises(AnnouncementError, match="is over since"):
        stop(settings, "rule-or-model", "again", "ben")


def test_a_start_in_the_past_and_an_unknown_id_are_refused(settings: Settings) -> None:
    with pytest.raises(AnnouncementError, match="starts on 2017-01-01, which has begun"):
        announce(settings, experiment(starts=date(2017, 1, 1)), "ana")
    with pytest.raises(AnnouncementError, match=r"No experiment 'x' is announced\. Announced: none"):
        stop(settings, "x", "", "ben")
    assert read_announcements(settings.paths.announced_experiments) == []


def test_a_broken_file_names_itself(settings: Settings) -> None:
    folder = settings.paths.announced_experiments
    folder.mkdir()
    (folder / "e.json").write_text(announced().model_dump_json().replace('"spend"', '"money"'))
    with pytest.raises(AnnouncementError, match=r"(?s)e\.json cannot be read: .*primary"):
        read_announcements(folder)
