"""Admissions appear whole, are used again while they are valid, and survive being killed."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import duckdb
import pytest

from landing.admission import accept, admit
from landing.errors import AsOfError, LandingError
from settings import ROOT, Settings
from tests.support.landing.shop import PRODUCTS, TRANSACTIONS, admit_shop, admitted, write_shop
from tests.support.logs import logged


def test_an_unchanged_landing_is_not_admitted_twice(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    first, reused, _ = admit_shop(tmp_path, landing)
    assert not reused
    written = (tmp_path / "data" / "admitted" / "products.parquet").stat().st_mtime_ns
    for day in (None, first.as_of.isoformat()):
        again, reused, said = admit_shop(tmp_path, landing, day)
        assert reused
        assert said == []
        assert again == first
    assert (tmp_path / "data" / "admitted" / "products.parquet").stat().st_mtime_ns == written


def test_a_changed_file_is_admitted_again(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    admit_shop(tmp_path, landing)
    (landing / "products.csv").write_text(PRODUCTS + "0040,CHEESE\n")
    _, reused, _ = admit_shop(tmp_path, landing)
    assert not reused
    assert len(admitted(tmp_path, "products")) == 4


def test_another_zone_or_limit_is_another_admission(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    admit_shop(tmp_path, landing, "2017-01-02")
    assert not admit_shop(tmp_path, landing, "2017-01-02", timezone="UTC")[1]
    assert len(admitted(tmp_path, "transactions")) == 2
    assert not admit_shop(tmp_path, landing, "2017-01-02", max_customers=1)[1]


def test_an_earlier_day_is_there_at_once_when_it_is_asked_for_again(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    admit_shop(tmp_path, landing, "2017-01-02")
    admit_shop(tmp_path, landing, "2017-01-03")
    assert len(admitted(tmp_path, "transactions")) == 4
    assert admit_shop(tmp_path, landing, "2017-01-02")[1]
    assert len(admitted(tmp_path, "transactions")) == 3


def test_a_damaged_admission_is_made_again(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    admit_shop(tmp_path, landing)
    (tmp_path / "data" / "admitted" / "products.parquet").write_bytes(b"PAR1")
    assert not admit_shop(tmp_path, landing)[1]
    assert len(admitted(tmp_path, "products")) == 3


def test_a_refused_landing_leaves_the_last_admission_in_place(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    admit_shop(tmp_path, landing)
    (landing / "transactions.csv").write_text(TRANSACTIONS.replace("9.99", "dear"))
    with pytest.raises(LandingError):
        admit_shop(tmp_path, landing)
    assert len(admitted(tmp_path, "transactions")) == 4
    assert not (tmp_path / "data" / "admissions" / ".admission.staging").exists()


def test_an_admission_changes_nothing_before_it_is_accepted(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    before, _, _ = admit_shop(tmp_path, landing)
    settings = Settings(data=tmp_path / "data", landing=landing)
    link = settings.paths.admitted.readlink()
    far, _ = admit(settings, landing, date(2030, 1, 1))
    assert far.as_of == date(2030, 1, 1)
    assert settings.paths.admitted.readlink() == link
    # Killed or failed here, it can be run again: the same day, or the one before.
    assert admit(settings, landing, date(2030, 1, 1))[1]
    assert admit(settings, landing, None) == (before, True)
    assert accept(settings, None).as_of == before.as_of
    assert settings.paths.admitted.readlink() == link


def test_an_admission_whose_checks_failed_is_accepted_only_on_request(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    admit(settings, write_shop(tmp_path / "in"), date(2017, 1, 3))
    results = settings.paths.quality / "2017-01-03" / "landing" / "results.json"
    results.parent.mkdir(parents=True)
    results.write_text(json.dumps([{"name": "lines_are_fresh", "severity": "critical", "met": False}]))
    with pytest.raises(LandingError, match=r"its checks failed: lines_are_fresh\. Correct the landing, or add"):
        accept(settings, None)
    assert not settings.paths.admitted.exists()
    accept(settings, None, despite_checks=True)
    assert settings.paths.admitted.exists()
    # Results that are older than the admission are of another one.
    os.utime(results, (0, 0))
    with logged("landing") as messages:
        accept(settings, None)
    assert any("was not checked" in message for message in messages)


def test_only_the_day_that_waits_is_accepted(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    with pytest.raises(AsOfError, match="No admission waits"):
        accept(settings, None)
    admit(settings, write_shop(tmp_path / "in"), date(2017, 1, 3))
    with pytest.raises(AsOfError, match="as of 2017-01-03, not 2017-01-02"):
        accept(settings, date(2017, 1, 2))
    with pytest.raises(AsOfError, match=r"2017-01-03-.* waits, not 2017-01-03-checked"):
        accept(settings, None, "2017-01-03-checked")
    (settings.paths.admitting / "products.parquet").write_bytes(b"PAR1")
    with pytest.raises(LandingError, match="damaged"):
        accept(settings, None)
    assert not settings.paths.admitted.exists()


def test_the_admission_in_use_outlives_any_number_of_refused_days(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    admit_shop(tmp_path, landing)
    settings = Settings(data=tmp_path / "data", landing=landing)
    for day in range(1, 7):
        admit(settings, landing, date(2030, 1, day))
    assert len(admitted(tmp_path, "products")) == 3


def test_only_the_newest_admissions_are_kept(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    for day in ("2017-01-02", "2017-01-03", "2017-01-04", "2017-01-05"):
        admit_shop(tmp_path, landing, day)
    kept = sorted(path.name[:10] for path in (tmp_path / "data" / "admissions").iterdir() if path.is_dir())
    assert kept == ["2017-01-03", "2017-01-04", "2017-01-05"]


def test_nothing_half_written_is_published_when_an_admission_is_killed(tmp_path: Path, small_landing: Path) -> None:
    data = tmp_path / "killed"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REACH_")}
    environment |= {"REACH_DATA": str(data), "REACH_LANDING": str(small_landing)}
    command = [sys.executable, "-m", "landing", "admit"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    staged = data / "admissions" / ".admission.staging" / "promotions.parquet"
    while not staged.exists() and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert staged.exists(), "the kill came too late to mean anything"
    assert not (data / "admitting").exists()

    for step in (command, [*command[:-1], "accept"]):
        subprocess.run(step, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    assert not staged.parent.exists()
    manifest, _, _ = admit_shop(tmp_path, small_landing)
    for table in manifest.tables:
        with duckdb.connect() as connection:
            paths = [root / "admitted" / f"{table}.parquet" for root in (data, tmp_path / "data")]
            difference = connection.execute(f"FROM '{paths[0]}' EXCEPT ALL FROM '{paths[1]}'").fetchall()
        assert difference == []
        assert paths[0].read_bytes() == paths[1].read_bytes()
