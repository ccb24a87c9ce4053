"""Older batches become one: every row stays once and in its place, wherever the step is killed."""

import json
import os
import shutil
import signal
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from events.event_log import LogBatch
from landing.contract import FEEDBACK
from landing.errors import SourceError
from landing.feedback.collector import batch_files, batch_folders, collect
from landing.feedback.compaction import MOST, NEWEST, Compacted, compact
from landing.feedback.merged_table import land_feedback
from landing.findings import Findings
from landing.reading.casting import PlausibleDays
from tests.support.landing.killed import die_before
from tests.support.logs import logged

MOMENT = datetime(2026, 3, 1, 10)
DAYS = PlausibleDays(date(2000, 1, 1), MOMENT + timedelta(days=365))


class Counted:
    """A event_log with one event and one decision a page; only the first of three decisions has a fallback."""

    def __init__(self, pages: int) -> None:
        self.pages = pages

    def read_from(self, position: str | None, limit: int) -> LogBatch:
        number = int(position or 0) + 1
        if number > self.pages:
            return LogBatch((), (), str(self.pages))
        facts: dict[str, Any] = {"customer_id": "c1", "product_id": f"p{number}"}
        event = facts | {"event_id": f"e{number}", "event_type": "view", "occurred_at": MOMENT, "received_at": MOMENT}
        decision = facts | {"request_id": f"r{number}", "slate": "all", "position": 1, "decided_at": MOMENT}
        return LogBatch((event,), (decision | {"fallback": "popular" if number % 3 == 1 else None},), str(number))

    def truncate_before(self, position: str) -> int:
        return 0


def collected(home: Path, pages: int) -> Path:
    collect(home, Counted(pages))
    return home


def rows(home: Path) -> list[list[dict]]:
    return [[row for file in batch_files(home, table) for row in pq.read_table(file).to_pylist()] for table in FEEDBACK]


def names(home: Path) -> list[str]:
    return sorted(folder.name for folder in (home / "batches").iterdir())


def merge(home: Path) -> Compacted:
    return compact(home, most=4, newest=2)


def test_all_but_the_newest_become_one_and_every_row_keeps_its_place(tmp_path: Path) -> None:
    before = rows(collected(tmp_path, 7))
    with logged("landing") as messages:
        found = merge(tmp_path)
    assert names(tmp_path) == ["00000001-00000005", "00000006", "00000007"]
    assert rows(tmp_path) == before
    assert [row["event_id"] for row in rows(tmp_path)[0]] == [f"e{number}" for number in range(1, 8)]
    assert found.merged == 5
    assert found.freed_bytes > 0
    (line,) = messages
    assert "5 folders of batches became 00000001-00000005 with 5 rows of events, 5 rows of decisions" in line


def test_the_columns_keep_their_types(tmp_path: Path) -> None:
    def types() -> list[tuple[str, str]]:
        return [(field.name, str(field.type)) for field in pq.read_schema(batch_files(tmp_path, FEEDBACK[0])[0])]

    collected(tmp_path, 7)
    before = types()
    merge(tmp_path)
    assert types() == before


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    merge(collected(tmp_path, 7))
    files = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.parquet")}
    assert merge(tmp_path) == Compacted(0, 0)
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.parquet")} == files


def test_a_merged_batch_is_merged_again_and_collection_goes_on_behind_it(tmp_path: Path) -> None:
    merge(collected(tmp_path, 7))
    merge(collected(tmp_path, 9))
    assert names(tmp_path) == ["00000001-00000007", "00000008", "00000009"]
    shutil.rmtree(tmp_path / "batches" / "00000008")
    shutil.rmtree(tmp_path / "batches" / "00000009")
    collected(tmp_path, 9)  # only a merged one is left: it has the position
    assert [row["event_id"] for row in rows(tmp_path)[0]] == [f"e{number}" for number in range(1, 10)]


def test_up_to_the_limit_nothing_is_merged(tmp_path: Path) -> None:
    assert merge(collected(tmp_path, 4)).merged == 0
    assert MOST > NEWEST >= 1  # the last batch has the position


def test_what_was_landed_is_not_made_again_because_batches_were_merged(tmp_path: Path) -> None:
    collected(tmp_path, 7)

    def landed() -> list[Path]:
        tables = land_feedback(tmp_path, None, DAYS, Findings()).values()
        return [table.file.files[0] for table in tables]

    written = [file.stat().st_mtime_ns for file in landed()]
    before = [sorted(map(str, pq.read_table(file).to_pylist())) for file in landed()]
    merge(tmp_path)
    assert [file.stat().st_mtime_ns for file in landed()] == written
    shutil.rmtree(tmp_path / "landed")
    assert [sorted(map(str, pq.read_table(file).to_pylist())) for file in landed()] == before


# Where a merge could be torn: before the staging folder, its files' way to the disk, the rename, the rename's own way
# there, the removal of the first folder, and within the second's.
KILLED_BEFORE = [
    ("shutil.rmtree", 1),
    ("os.fsync", 2),
    ("Path.rename", 1),
    ("os.fsync", 5),
    ("shutil.rmtree", 4),
    ("os.unlink", 5),
]


@pytest.mark.parametrize(("place", "call"), KILLED_BEFORE)
def test_a_merge_killed_half_way_neither_loses_nor_doubles(tmp_path: Path, place: str, call: int) -> None:
    before = rows(collected(tmp_path, 7))
    action = f"compact(Path({str(tmp_path)!r}), most=4, newest=2)"
    killed = die_before(place, call, "from landing.feedback.compaction import compact", action, os.environ)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert rows(tmp_path) == before
    merge(tmp_path)
    assert rows(tmp_path) == before
    assert names(tmp_path) == ["00000001-00000005", "00000006", "00000007"]
    assert not (tmp_path / ".batch.staging").exists()


def test_a_batch_that_cannot_be_read_stops_the_merge_and_removes_nothing(tmp_path: Path) -> None:
    (collected(tmp_path, 7) / "batches" / "00000003" / "events.parquet").write_text("torn")
    with pytest.raises(SourceError, match=r"00000003.events\.parquet cannot be read"):
        merge(tmp_path)
    assert names(tmp_path) == [f"{number:08d}" for number in range(1, 8)]
    assert not (tmp_path / ".batch.staging").exists()
    (tmp_path / "batches" / "00000005" / "batch.json").write_text(json.dumps({}))
    with pytest.raises(SourceError, match=r"00000005.batch\.json cannot be read"):
        merge(tmp_path)


def test_a_folder_of_another_name_is_refused_not_read_as_a_batch(tmp_path: Path) -> None:
    shutil.copytree(collected(tmp_path, 1) / "batches" / "00000001", tmp_path / "batches" / "00000001 copy")
    with pytest.raises(SourceError, match="00000001 copy is not a batch"):
        batch_folders(tmp_path)
