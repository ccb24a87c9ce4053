from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.files.publication import RECORD, linked, newest_first, read_fields


@dataclass(frozen=True)
class Named:
    name: str
    published_at: datetime


def read(folder: Path) -> Named | None:
    fields = read_fields(folder)
    return Named(fields["name"], datetime.fromisoformat(fields["published_at"])) if fields else None


def published(root: Path, folder: str, day: int, name: str | None = None) -> None:
    (root / folder).mkdir()
    (root / folder / RECORD).write_text(f'{{"name": "{name or folder}", "published_at": "2018-01-{day:02}"}}')


def test_the_newest_comes_first_and_only_publications_count(tmp_path: Path) -> None:
    published(tmp_path, "a", 2)
    published(tmp_path, "b", 3)
    published(tmp_path, ".staged", 9)
    published(tmp_path, "copied", 9, name="a")
    (tmp_path / "no record").mkdir()
    (tmp_path / "current").symlink_to("a")

    assert [record.name for record in newest_first(tmp_path, read)] == ["b", "a"]
    assert newest_first(tmp_path / "absent", read) == []


def test_the_link_names_a_publication_or_none(tmp_path: Path) -> None:
    published(tmp_path, "a", 2)
    link = tmp_path / "current"
    assert linked(link, read) is None
    link.symlink_to("a")
    assert linked(link, read) == Named("a", datetime(2018, 1, 2))
    assert linked(tmp_path / "a", read) is None  # a folder is not a link
