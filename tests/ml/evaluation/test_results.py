"""An evaluation of an earlier version is refused with the command that repeats it."""

import json
from pathlib import Path

import pytest

from ml.errors import RunError
from ml.evaluation.results import read_part
from ml.gate.evidence import EvaluationChecks


def test_a_file_that_an_earlier_version_did_not_write_is_an_error_with_the_next_step(tmp_path: Path) -> None:
    folder = tmp_path / "2018-01-01-aaaaaa" / "evaluation"
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text(json.dumps({"customers": 2}))
    assert read_part(folder, "summary.json") == {"customers": 2}
    advice = r"has no evaluation/slices\.json.*ml evaluate --run-id 2018-01-01-aaaaaa' evaluates it again"
    with pytest.raises(RunError, match=advice):
        EvaluationChecks.load(folder)
