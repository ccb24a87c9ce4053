"""A run's parts appear whole or not at all."""

from pathlib import Path

import pytest

from ml.errors import RunError
from ml.runs.run import Run


def test_a_part_appears_only_when_its_step_has_ended(tmp_path: Path):
    run = Run(tmp_path, "r1")
    with run.publish_folder("dataset") as folder:
        (folder / "a").write_text("1")
        assert not (run.folder / "dataset").exists()
    assert (run.path("dataset") / "a").read_text() == "1"


def test_a_failed_step_leaves_the_former_part_in_place(tmp_path: Path):
    run = Run(tmp_path, "r1")
    with run.publish_folder("dataset") as folder:
        (folder / "a").write_text("good")
    with pytest.raises(ZeroDivisionError), run.publish_folder("dataset") as folder:
        (folder / "a").write_text("bad")
        _ = 1 / 0
    assert (run.path("dataset") / "a").read_text() == "good"
    assert [path.name for path in run.folder.iterdir()] == ["dataset"]


def test_a_missing_part_says_what_to_do(tmp_path: Path):
    with pytest.raises(RunError, match=r"Run 'r1' has no gate\.json\. Run the step that makes it first"):
        Run(tmp_path, "r1").read_json("gate.json")


@pytest.mark.parametrize("run_id", ["", "..", "a/b", ".hidden"])
def test_a_run_cannot_leave_its_folder(tmp_path: Path, run_id: str):
    with pytest.raises(RunError, match="cannot name a run"):
        Run(tmp_path, run_id)


def test_latest_follows_the_newest_run(tmp_path: Path):
    for run_id in ("r1", "r2"):
        run = Run(tmp_path, run_id)
        run.write_json("run.json", {})
        run.make_latest()
    assert (tmp_path / "latest").resolve().name == "r2"
