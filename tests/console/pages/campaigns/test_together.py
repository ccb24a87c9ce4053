"""All campaigns together: the page explains a missing hold-out, and shows what was measured."""

import json
from pathlib import Path

from marketing.measurement.global_hold_out import TOGETHER
from marketing.measurement.report import not_measured
from settings import Settings
from tests.support.console.client import log_in, open_console


def test_without_a_share_the_page_names_the_setting(tmp_path: Path) -> None:
    with open_console(Settings(data=tmp_path)) as client:
        page = log_in(client, "viewer").get("/campaigns/together").text
    assert "Today the share is <b>0.0%</b>" in page
    assert "REACH_CONTACT_POLICY" in page
    assert "Measure now" not in page


def test_a_result_shows_its_sentence_and_no_number_that_is_not_identified(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    settings.paths.campaign_results.mkdir()
    found = not_measured("too few weeks")
    (settings.paths.campaign_results / f"{TOGETHER}.json").write_text(json.dumps(found))
    with open_console(settings) as client:
        log_in(client, "marketer")
        page = client.get("/campaigns/together").text
        assert 'class="button" href="/campaigns/together"' in client.get("/campaigns").text
        assert client.post("/campaigns/new", data={"id": "together", "goal": "x"}).status_code == 400
    assert "Not identified: too few weeks." in page
    assert "<svg" not in page
    assert "Measure now" in page
