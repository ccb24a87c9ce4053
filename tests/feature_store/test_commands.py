"""The three commands, as Airflow and people start them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from feature_store.__main__ import main
from settings import ROOT, Settings
from tests.support.feature_store.installation import AS_OF

STEPS = """
import sys
from feature_store.__main__ import main
for step in (["publish", "--as-of", "2018-01-01"], ["apply"], ["materialize", "--as-of", "2018-01-01"]):
    assert main(step) == 0
    print("----")
from settings import load_settings
from feature_store.online.reader import OnlineFeatureReader
from feature_store.offline_store import historical_table, open_store
import pandas as pd
settings = load_settings()
asked = pd.DataFrame({"customer_id": ["c3"], "event_timestamp": [settings.start_of_day(settings.as_of)]})
assert historical_table(open_store(settings), "labels_v1", asked).to_pandas().notna().all(axis=None)
assert OnlineFeatureReader(settings).read("c3") is not None
assert "tensorflow" not in sys.modules
import feast
assert not hasattr(feast.FeatureView.__init__, "__wrapped__")  # without typeguard's checks, which take seconds
"""


def test_each_step_ends_with_one_line_of_json_and_writes_only_into_the_data_directory(
    staged: Settings, tmp_path: Path
) -> None:
    elsewhere = {name: tmp_path / name for name in ("home", "cwd", "tmp")}
    for folder in elsewhere.values():
        folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", STEPS],
        cwd=elsewhere["cwd"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(elsewhere["home"]),
            "TMPDIR": str(elsewhere["tmp"]),
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "REACH_DATA": str(staged.data),
            "REACH_AS_OF": str(AS_OF),
            "REACH_SNAPSHOTS": "5",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    published, applied, online = (json.loads(part.strip().splitlines()[-1]) for part in done.stdout.split("----")[:3])
    assert published["as_of"] == "2018-01-01"
    assert published["features"] == applied["features"] == staged.paths.features.readlink().name
    assert published["rows"]["feat_product_content"] == 40
    assert "labels_v1" in applied["services"]
    assert online == {"as_of": "2018-01-01", "customers": 12, "how": "rebuilt"}
    assert "c3" not in done.stdout + done.stderr  # ids of customers stay out of logs
    assert {name: list(folder.rglob("*")) for name, folder in elsewhere.items()} == {name: [] for name in elsewhere}


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (["publish", "--as-of", "2018-01-01"], "Run dbt build first"),
        (["apply"], "Run 'make features' first"),
        (["materialize", "--as-of", "2018-01-01"], "Run 'make features' first"),
    ],
)
def test_a_step_out_of_order_says_what_to_run_first(
    step: list[str],
    message: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("REACH_DATA", str(settings.data))
    assert main(step) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("error: ")
    assert message in printed.err
    assert printed.out == ""
