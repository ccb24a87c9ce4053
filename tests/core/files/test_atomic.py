import os
from pathlib import Path

import pytest

from core.files.atomic import (
    discard_folder,
    link_or_copy,
    move_link,
    remove_leftovers,
    replace_file,
    replace_folder,
    staged_folder,
    staging_path,
)

# Leftovers of killed processes, as this version and earlier ones spelled them.
LEFTOVERS = [
    *(".plan.json.staging", ".features.trash", ".staging", ".landing-staging", ".dataset.staged", ".dataset.replaced"),
    *(".admitting-next", ".latest.4711", ".current-4711", ".trash-4711-new", "events.next", "champion.json.tmp"),
    *("content.partial", "2018-01-01.removed"),
]
KEPT = ["plan.json", "latest", ".lock", "_source.json", "features", ".hidden", "staging", "notes.txt"]


@pytest.mark.parametrize("as_folder", [False, True])
def test_leftovers_of_every_spelling_are_removed_and_nothing_else(tmp_path: Path, as_folder: bool) -> None:
    for name in [*LEFTOVERS, *KEPT]:
        (tmp_path / name).mkdir() if as_folder else (tmp_path / name).write_text("x")
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(KEPT)


def test_only_one_targets_leftovers_are_removed_on_request(tmp_path: Path) -> None:
    for name in (".a.staging", ".a-next", ".a.4711", "a.tmp", ".ab.staging", ".b.staging"):
        (tmp_path / name).write_text("x")
    remove_leftovers(tmp_path, "a")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".ab.staging", ".b.staging"]


@pytest.mark.parametrize("durable", [True, False])
def test_a_replaced_file_has_the_new_content_and_leaves_nothing(tmp_path: Path, durable: bool) -> None:
    replace_file(tmp_path / "file", b"old", durable)
    replace_file(tmp_path / "file", "new ü", durable)
    assert (tmp_path / "file").read_text() == "new ü"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_link_moves_and_stays_relative(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / "folders" / name).mkdir(parents=True)
    move_link(tmp_path / "current", tmp_path / "folders" / "one")
    move_link(tmp_path / "current", Path("folders/two"))
    assert (tmp_path / "current").readlink() == Path("folders/two")
    move_link(tmp_path / "current", tmp_path / "folders" / "one")
    assert (tmp_path / "current").readlink() == Path("folders/one")


def test_a_file_is_copied_where_hard_links_do_not_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    link_or_copy(tmp_path / "file", tmp_path / "linked")
    assert (tmp_path / "linked").samefile(tmp_path / "file")

    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(os, "link", refuse)
    link_or_copy(tmp_path / "file", tmp_path / "copied")
    assert not (tmp_path / "copied").samefile(tmp_path / "file")
    assert (tmp_path / "copied").read_text() == "x"


def test_a_staged_folder_replaces_its_target_only_when_the_block_succeeds(tmp_path: Path) -> None:
    target = tmp_path / "part"
    with staged_folder(target) as staged:
        (staged / "file").write_text("first")
    with pytest.raises(ValueError, match="broken"), staged_folder(target) as staged:
        (staged / "file").write_text("second")
        raise ValueError("broken")
    assert (target / "file").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["part"]


def test_what_an_interrupted_replacement_left_is_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "part"
    for folder in (target, staging_path(target), tmp_path / ".part.trash"):
        folder.mkdir()
        (folder / "file").write_text(folder.name)
    replace_folder(target, staging_path(target))
    assert (target / "file").read_text() == ".part.staging"
    discard_folder(target)
    assert list(tmp_path.iterdir()) == []
