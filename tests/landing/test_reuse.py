"""An admission is used again when the bytes are the same, wherever they lie, and never when they are not."""

import os
import shutil
import time
from pathlib import Path

import duckdb
import pytest

from core.files import hashes
from core.files.hashes import FileHashes
from landing.admission import check
from landing.errors import LandingError, SourceError, sentences
from settings import Settings
from tests.support.landing.shop import PRODUCTS, admit_shop, admitted, write_shop
from tests.support.logs import logged


def test_the_same_bytes_in_another_folder_are_not_admitted_twice(tmp_path: Path) -> None:
    first, _, _ = admit_shop(tmp_path, write_shop(tmp_path / "in"))
    shutil.copytree(tmp_path / "in", tmp_path / "target")
    os.utime(tmp_path / "target" / "products.csv", (1, 1))
    assert admit_shop(tmp_path, tmp_path / "target")[:2] == (first, True)


def test_other_bytes_of_equal_name_size_and_time_are_admitted_anew(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    os.utime(landing / "products.csv", (1, 1))
    admit_shop(tmp_path, landing)
    for folder in ("in", "elsewhere"):
        write_shop(tmp_path / folder, products=PRODUCTS.replace("MILK", "SILK" if folder == "in" else "BULK"))
        os.utime(tmp_path / folder / "products.csv", (1, 1))
        assert not admit_shop(tmp_path, tmp_path / folder)[1]
    assert ("BULK",) in admitted(tmp_path, "products", "category")


def test_a_new_stray_file_is_found_although_the_tables_are_the_same(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    admit_shop(tmp_path, landing)
    (landing / "notes.txt").write_text("")
    manifest, reused, _ = admit_shop(tmp_path, landing)
    assert not reused
    assert [finding.kind for finding in manifest.findings] == ["file_not_read"]


def test_the_findings_of_a_used_admission_are_logged_again(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in", customers="customer_id\n")
    said = [admit_shop(tmp_path, landing)[2] for _ in range(2)]
    assert said[1] == [line for line in said[0] if line.startswith("note (empty_table)")]


def test_a_file_is_hashed_again_only_when_its_metadata_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, memory = tmp_path / "a", tmp_path / "hashes.json"
    file.write_text("one")
    read = []
    digest = hashes.hashlib.file_digest
    monkeypatch.setattr(hashes.hashlib, "file_digest", lambda *of: read.append(1) or digest(*of))

    def hash_of() -> str:
        kept = FileHashes(memory)
        found = kept.of(file)
        kept.save()
        return found

    first = hash_of()
    assert hash_of() == first
    assert len(read) == 2  # just written: it could change again within one tick of the clock
    later = time.time_ns() + 10_000_000_000
    monkeypatch.setattr(hashes.time, "time_ns", lambda: later)
    assert hash_of() == hash_of() == first
    assert len(read) == 3
    before = file.stat()
    file.write_text("two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert hash_of() != first


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    landing = write_shop(tmp_path / "in")

    def deliver(*_: object) -> None:
        (landing / "products.csv").write_text(PRODUCTS + "0040,CHEESE\n")

    monkeypatch.setattr("landing.admission.count_unused", deliver)
    with pytest.raises(SourceError, match=r"products\.csv in .* was changed while it was read"):
        admit_shop(tmp_path, landing)
    assert not (tmp_path / "data" / "admitting").exists()


def test_a_landing_that_goes_away_during_the_run_gets_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing = write_shop(tmp_path / "in")
    monkeypatch.setattr("landing.admission.count_unused", lambda *_: shutil.rmtree(landing))
    with pytest.raises(LandingError, match="no longer there: it was removed during the run"):
        admit_shop(tmp_path, landing)


def test_a_check_keeps_and_moves_nothing(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in", customers="customer_id\n")
    settings = Settings(data=tmp_path / "data")
    with logged("landing") as messages:
        manifest = check(settings, landing, None)
    assert [finding.kind for finding in manifest.findings] == ["empty_table"]
    assert any("empty_table" in line for line in messages)
    assert list(settings.data.iterdir()) == []
    with pytest.raises(LandingError):
        check(settings, write_shop(landing, products=""), None)
    assert list(settings.data.iterdir()) == []


def test_a_landing_in_the_data_directory_is_refused(tmp_path: Path) -> None:
    for inside in ("", "admissions/mine"):
        landing = write_shop(tmp_path / "data" / inside)
        with pytest.raises(SourceError, match="lies in the data directory"):
            admit_shop(tmp_path, landing)


def test_a_data_directory_that_cannot_be_written_gets_a_sentence(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in")
    (tmp_path / "data").write_text("a file where a folder should be")
    with pytest.raises(LandingError, match=r"cannot be written: (File exists|Not a directory)"):
        admit_shop(tmp_path, landing)


@pytest.mark.parametrize(
    ("number", "sentence"), [(28, "Free space on the disk"), (30, "a folder that Reach may write to")]
)
def test_a_full_or_read_only_disk_gets_a_sentence(tmp_path: Path, number: int, sentence: str) -> None:
    with pytest.raises(LandingError, match=sentence), sentences(tmp_path):
        raise OSError(number, os.strerror(number), "file")


def test_a_disk_that_fills_up_under_duckdb_gets_a_sentence(tmp_path: Path) -> None:
    cause = 'IO Error: Async write failed: "No space left on device","errno":"28"'
    with pytest.raises(LandingError, match="the disk is full") as caught, sentences(tmp_path):
        raise duckdb.IOException(cause)
    assert "Async" not in str(caught.value)
