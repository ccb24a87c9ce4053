"""A run's page links to all there is, names all there is not, and can be moved with its data directory."""

import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.paths import Paths
from pages.__main__ import main
from registry.release_log import Change, ReleaseLog

RUN = "2018-01-01-3f2a9c"


def write(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def links(page: Path) -> dict[str, str]:
    """The page's links, by their text."""
    return {text: target for target, text in re.findall(r'<a href="([^"]+)">([^<]+)</a>', page.read_text())}


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """A data directory in which a run has just been planned."""
    monkeypatch.setenv("REACH_DATA", str(tmp_path / "data"))
    paths = Paths(tmp_path / "data")
    write(paths.runs / RUN / "run_spec.json", {"as_of": "2018-01-01", "reason": "first <run>"})
    return paths


def finish(paths: Paths) -> None:
    """All that the steps of a run leave."""
    run, checks = paths.runs / RUN, [{"name": "a_b", "severity": "warning", "met": False, "what": "2017-12-25"}]
    write(run / "report.html", "report")
    write(run / "gate.json", {"publish": True, "reasons": ["It wins."]})
    write(run / "registered_model.json", {"version": "v7"})
    write(run / "retrieval" / "tensorboard" / "log", "")
    for name, checkpoint in (
        ("2018-01-01", "landing"),
        ("2018-01-01", "features"),
        (RUN, "training"),
        ("2026-03-02", "feedback"),
    ):
        write(paths.quality / name / checkpoint / "index.html", checkpoint)
        write(paths.quality / name / checkpoint / "results.json", checks)
    write(paths.dbt_target / "docs" / "static_index.html", "dbt")
    write(paths.data / "admissions" / "2018-01-01-a" / "manifest.json", {"as_of": "2018-01-01", "tables": {}})
    write(paths.features.parent / "2018-01-01-b" / "publication.json", {"as_of": "2018-01-01", "rows": {"f": 3}})
    (paths.release / "recommender").mkdir(parents=True)
    for version, change in (("v6", "deployed"), ("v7", "deployed"), ("v7", "rolled_back")):
        moment = datetime(2018, 1, 2, 9, 30, tzinfo=UTC)
        facts = {"generation": 1, "previous": None, "changed_at": moment, "reason": f"why {version}", "by": "me"}
        ReleaseLog(paths.release / "recommender" / "log.jsonl").append(Change(change=change, version=version, **facts))


def test_a_run_that_has_just_begun_names_everything_as_missing_with_the_reason(paths: Paths) -> None:
    assert main(["run", "--run-id", RUN]) == 0
    page = (paths.runs / RUN / "index.html").read_text()
    assert links(paths.runs / RUN / "index.html") == {}
    assert page.count("Missing. ") == 10
    assert "first &lt;run&gt;" in page


def test_a_run_without_enough_to_learn_from_gives_the_reason(paths: Paths) -> None:
    write(paths.runs / RUN / "not_enough_data.json", {"step": "build-dataset", "because": "12 customers of 150."})
    assert main(["run", "--run-id", RUN]) == 0
    assert "Nothing was trained: 12 customers of 150." in (paths.runs / RUN / "index.html").read_text()


def test_a_finished_run_leads_to_all_it_made(paths: Paths) -> None:
    finish(paths)
    assert main(["features", "--as-of", "2018-01-01"]) == 0
    assert main(["run", "--run-id", RUN]) == 0
    page = paths.runs / RUN / "index.html"
    assert links(page) == {
        "Model report": "report.html",
        "Release": "../../release/recommender/log.jsonl",
        "Checks of the landing": "../../quality/2018-01-01/landing/index.html",
        "Checks of the features": "../../quality/2018-01-01/features/index.html",
        "Checks of the training": f"../../quality/{RUN}/training/index.html",
        "Checks of the feedback": "../../quality/2026-03-02/feedback/index.html",
        "Build of the features": "../../quality/2018-01-01/index.html",
        "dbt docs": "../../dbt/docs/static_index.html",
        "TensorBoard log": ".",
    }
    text = page.read_text()
    assert "Missing" not in text
    assert "0 of 1 checks met" in text
    assert "warning: a_b: 2017-12-25" in text
    assert re.findall(r"2018-01-02 09:30 UTC: (\w+) by me: why (\w+)", text) == [
        ("deployed", "v7"),
        ("rolled_back", "v7"),
    ]


def test_the_page_of_the_build_gets_a_link_to_the_run_that_came_after_it(paths: Paths) -> None:
    finish(paths)
    spec = paths.runs / RUN / "run_spec.json"
    text = spec.read_text()
    spec.unlink()
    assert main(["features", "--as-of", "2018-01-01"]) == 0
    page = paths.quality / "2018-01-01" / "index.html"
    assert "No training on these features had begun" in page.read_text()
    spec.write_text(text)
    assert main(["run", "--run-id", RUN]) == 0
    assert links(page)[f"Run {RUN}"] == f"../../runs/{RUN}/index.html"


def test_every_link_still_leads_somewhere_after_the_data_directory_was_moved(paths: Paths, tmp_path: Path) -> None:
    finish(paths)
    main(["run", "--run-id", RUN])
    main(["features", "--as-of", "2018-01-01"])
    moved = shutil.move(paths.data, tmp_path / "elsewhere")
    for page in (Path(moved) / "runs" / RUN / "index.html", Path(moved) / "quality" / "2018-01-01" / "index.html"):
        targets = links(page).values()
        assert len(targets) >= 6
        assert all((page.parent / target).exists() for target in targets)
        assert "http" not in page.read_text()


def test_a_build_that_stopped_at_its_first_check_has_a_page(paths: Paths) -> None:
    write(
        paths.data / "admissions" / "x" / "manifest.json", {"as_of": "2018-02-01", "tables": {"products": {"rows": 7}}}
    )
    check = {"name": "products_are_unique", "severity": "critical", "met": False, "what": "2 rows"}
    write(paths.quality / "2018-02-01" / "landing" / "results.json", [check])
    assert main(["features", "--as-of", "2018-02-01"]) == 0
    text = (paths.quality / "2018-02-01" / "index.html").read_text()
    assert "products 7" in text
    assert '<tr class="bad">' in text
    assert "Nothing is published for this day" in text


def test_an_unknown_run_is_an_error_and_a_build_without_a_day_is_nothing_to_do(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--run-id", "../etc"]) == 1
    assert main(["run", "--run-id", "other"]) == 1
    assert f"or choose one of: {RUN}" in capsys.readouterr().err
    assert main(["features", "--as-of", "2020-01-01"]) == 1
    assert main(["features"]) == 99
