"""The door: warnings are printed, critical failures end with code 1, Data Docs are kept per run."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.command import ExitCode
from landing.admission import accept
from landing.errors import LandingError
from quality.__main__ import main
from quality.frames import feedback as feedback_frames
from quality.frames.landing.required import REQUIRED
from quality.suites import features, feedback, landing, training
from settings import ROOT, Settings
from tests.support.quality.judging import admit_landing, copy_landing, plant


@pytest.fixture
def source(tmp_path: Path, small_landing: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A landing whose admission goes to tmp_path/data, which is also what the commands see."""
    monkeypatch.setenv("REACH_DATA", str(tmp_path / "data"))
    return copy_landing(small_landing, tmp_path / "in")


def test_warnings_are_printed_and_do_not_stop_the_run(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    admit_landing(tmp_path / "data", source)
    assert main(["landing", "--as-of", "2018-01-01"]) == 0
    *progress, last = capsys.readouterr().out.splitlines()
    result = json.loads(last)
    page = tmp_path / "data" / "quality" / "2018-01-01" / "landing" / "index.html"
    assert result["warnings"] == ["every_recent_selling_day_has_lines"]
    assert result["critical"] == []
    assert result["data_docs"] == str(page)
    assert any("warning: every_recent_selling_day_has_lines: 2017-12-25" in line for line in progress)
    assert f"Data Docs: {page}" in progress
    names = {check["name"] for check in json.loads((page.parent / "results.json").read_text())}
    assert names == {check.name for check in [*landing.FILES, *landing.REST]}
    _assert_docs_tell(page, names)


def _assert_docs_tell(page: Path, names: set[str]) -> None:
    pages = {path: path.read_text() for path in page.parent.rglob("*.html")}
    assert len(pages) > 10
    assert all(name in pages[page] for name in names)
    for path, text in pages.items():
        parts = re.findall(r"<(?:link|script|img)\b[^>]*?(?:href|src)=[\"']([^\"']+)", text) + re.findall(
            r"url\([\"']?([^\"')]+)", text
        )
        assert any(part.endswith("docs.css") for part in parts)
        assert [part for part in parts if not (path.parent / part).is_file()] == []  # nothing of another host
    assert not (page.parent / "spill").exists()


def test_a_run_that_trains_nothing_has_no_training_set_to_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REACH_DATA", str(tmp_path))
    (tmp_path / "runs" / "r1").mkdir(parents=True)
    (tmp_path / "runs" / "r1" / "not_enough_data.json").write_text(
        '{"step": "build-dataset", "because": "37 of 150 customers."}'
    )
    assert main(["training", "--run-id", "r1"]) == ExitCode.NOTHING_TO_DO
    assert "because nothing is trained. 37 of 150 customers." in capsys.readouterr().out


def test_critical_failures_end_with_code_1_and_say_which_and_what_to_do(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(source, "products", "FROM {t} UNION ALL (FROM {t} LIMIT 1)")
    admit_landing(tmp_path / "data", source)
    assert main(["landing", "--as-of", "2018-01-01"]) == 1
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith("error: 1 critical expectation of the landing checkpoint (2018-01-01) not met.")
    assert "products_are_unique" in line
    assert "Correct the landing file" in line
    assert (tmp_path / "data" / "quality" / "2018-01-01" / "landing" / "index.html").is_file()
    with pytest.raises(LandingError, match="its checks failed: products_are_unique"):
        accept(Settings(data=tmp_path / "data"), None)


def test_no_customer_is_named_in_log_or_data_docs(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(source, "transactions", "SELECT * REPLACE ('SECRET' AS customer_id, -sales_value AS sales_value) FROM {t}")
    plant(source, "customers", "SELECT * REPLACE ('SECRET' AS customer_id) FROM {t}")
    admit_landing(tmp_path / "data", source)
    assert main(["landing"]) == 1
    captured = capsys.readouterr()
    kept = "".join(
        path.read_text() for path in (tmp_path / "data" / "quality").rglob("*") if path.suffix in {".html", ".json"}
    )
    assert "hardly_any_unit_price_is_negative" in kept
    assert "SECRET" not in captured.out + captured.err + kept


def test_the_admitted_tables_of_another_day_are_not_judged(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    admit_landing(tmp_path / "data", source)
    assert main(["landing", "--as-of", "2017-12-01"]) == 1
    assert "are as of 2018-01-01, not 2017-12-01" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (None, "cannot be read: No such file or directory"),
        ("torn {", "cannot be read: it is not valid JSON"),
        ("[]", "holds no JSON object"),
        ("{}", "has no as_of: it is damaged"),
        ('{"as_of": "soon"}', "as_of is 'soon', which is not a day"),
        ('{"as_of": "2018-01-01"}', "has no as_of_instant, inputs, tables: it is damaged"),
    ],
)
def test_a_missing_or_damaged_admission_is_one_sentence(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str], manifest: str | None, reason: str
) -> None:
    folder = tmp_path / "data" / "admitting"
    folder.mkdir(parents=True)
    if manifest is not None:
        (folder / "manifest.json").write_text(manifest)
    assert main(["landing"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert reason in line
    assert "Run `.venv/bin/python -m landing admit" in line


def test_results_that_cannot_be_written_are_one_sentence(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    admit_landing(tmp_path / "data", source)
    (tmp_path / "data" / "quality").write_text("a file where the folder of results should be")
    assert main(["landing"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "Make room or give access" in line


def test_a_run_id_that_leaves_its_folder_is_refused(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["training", "--run-id", "../../etc"]) == 1
    assert "cannot name a run" in capsys.readouterr().err


def test_the_library_is_imported_only_by_a_command_that_judges() -> None:
    code = "import sys, quality.__main__; sys.exit('great_expectations' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("suite", [landing, features, training, feedback])
def test_every_expectation_has_a_name_of_its_own_and_an_advice(suite: object) -> None:
    checks = [*suite.FILES, *suite.REST]
    assert len({check.name for check in checks}) == len(checks) > 10
    assert all(check.advice.endswith((".", "?")) for check in checks)


def test_the_columns_that_must_not_be_empty_are_those_the_landing_contract_requires() -> None:
    from landing.contract import FEEDBACK, TABLES

    contract = {table.name: tuple(table.required_columns) for table in TABLES}
    # A line without a customer is an anonymous sale.
    lines = tuple(column for column in contract.pop("transactions") if column != "customer_id")
    assert {**contract, "transactions": lines} == REQUIRED
    assert {table.name: tuple(table.required_columns) for table in FEEDBACK} == feedback_frames.REQUIRED
