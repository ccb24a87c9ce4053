"""The page of the data: checks, admitted tables, contract."""

import json
import os
from pathlib import Path

from settings import Settings
from tests.support.console.client import log_in, open_console


def results(*checks: tuple[str, bool]) -> str:
    found = [{"name": name, "met": met, "severity": "critical", "what": "3 rows"} for name, met in checks]
    return json.dumps(found)


def test_an_empty_installation_shows_the_contract(tmp_path: Path) -> None:
    with open_console(Settings(data=tmp_path)) as client:
        page = log_in(client, "viewer").get("/data").text
    assert "Nothing has been checked yet." in page
    assert "No tables have been admitted yet." in page
    assert "One row per line of a receipt." in page


def test_the_newest_results_of_a_checkpoint_and_what_was_found_are_shown(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    for seconds, (day, text) in enumerate(
        {
            "2018-01-01": results(("old_check", False)),
            "2018-01-02": results(("a", True), ("keys_are_unique", False)),
        }.items()
    ):
        folder = settings.paths.quality / day / "landing"
        folder.mkdir(parents=True)
        (folder / "results.json").write_text(text)
        os.utime(folder / "results.json", (seconds, seconds))
    settings.paths.admitted.mkdir()
    manifest = {
        "as_of": "2018-01-02",
        "receipts_until": "2018-01-01T23:00:00",
        "tables": {"transactions": {"rows": 1234, "not_yet_known": 5}},
        "findings": [{"message": "8 rows of unknown products.", "example": "product_id '7'"}],
    }
    (settings.paths.admitted / "manifest.json").write_text(json.dumps(manifest))
    with open_console(settings) as client:
        page = log_in(client, "viewer").get("/data").text
    assert "1 of 2" in page
    assert "keys_are_unique: 3 rows" in page
    assert "old_check" not in page
    assert "1,234" in page
    assert "Such as product_id &#39;7&#39;." in page
