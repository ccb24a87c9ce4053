"""Write files, folders and links so that neither a killed process nor a power cut leaves half of one.

A file or folder is written as `.<name>.staging` until it is whole, and one rename publishes it. Before deletion it is
renamed to `.<name>.trash`. Both names are hidden and lie next to the target. `remove_leftovers` deletes those that a
killed process left behind.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LEFTOVER = re.compile(
    r"\.(.+\.)?(staging|trash)"
    # Spellings of earlier versions.
    r"|\..+-(staging|next)|\..+\.(staged|replaced)|\.trash-.+|\..+[-.]\d+"
    r"|[^.].*\.(next|tmp|partial|removed)"
)


def staging_path(target: Path) -> Path:
    """Return the path under which `target` is written before one rename publishes it."""
    return target.with_name(f".{target.name}.staging")


def trash_path(target: Path) -> Path:
    """Return the path under which `target` is deleted: no reader takes a half-deleted folder for a whole one."""
    return target.with_name(f".{target.name}.trash")


def replace_file(path: Path, content: bytes | str, durable: bool = True) -> None:
    """Give `path` this content in one step: a reader sees the old content or the new. The caller holds the lock.

    Args:
        path: The file to replace or create.
        content: The bytes, or a text that is written as UTF-8.
        durable: Whether to wait until the disk has the content; without it a power cut may leave the old content.
    """
    staged = staging_path(path)
    with staged.open("wb") as handle:
        handle.write(content.encode() if isinstance(content, str) else content)
        if durable:
            handle.flush()
            os.fsync(handle.fileno())
    staged.replace(path)
    if durable:
        sync(path.parent)


def append_line(path: Path, line: bytes) -> None:
    """Append one line to a file and wait until the disk has it. The caller holds the lock."""
    with path.open("ab") as handle:
        handle.write(line + b"\n")
        handle.flush()
        os.fsync(handle.fileno())
    sync(path.parent)


def sync(path: Path) -> None:
    """Wait until the disk has a file or folder. A rename or a new file is durable only once its folder is."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def move_link(link: Path, target: Path) -> None:
    """Point a symbolic link at `target` in one step: a reader sees the old target or the new one.

    The link is relative, so the folder that holds both can be moved.
    """
    staged = staging_path(link)
    staged.unlink(missing_ok=True)
    staged.symlink_to(os.path.relpath(target, link.parent) if target.is_absolute() else target)
    staged.replace(link)
    sync(link.parent)


def link_or_copy(file: Path, other: Path) -> None:
    """Give a file a second name in one step; copy it where the file system has no hard links."""
    staged = staging_path(other)
    staged.unlink(missing_ok=True)
    try:
        os.link(file, staged)
    except OSError:
        shutil.copyfile(file, staged)
    staged.rename(other)


def empty_folder(folder: Path) -> Path:
    """Create and return an empty folder; leftovers of a killed process under this name are deleted."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


@contextmanager
def staged_folder(target: Path) -> Iterator[Path]:
    """Yield a private folder that replaces `target` when the block succeeds, and is deleted when the block raises."""
    staged = empty_folder(staging_path(target))
    try:
        yield staged
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    replace_folder(target, staged)


def replace_folder(target: Path, staged: Path) -> None:
    """Publish a staged folder under the name `target`; a folder of that name is deleted."""
    trash = trash_path(target)
    shutil.rmtree(trash, ignore_errors=True)
    if target.exists():
        target.rename(trash)
    staged.rename(target)
    shutil.rmtree(trash, ignore_errors=True)


def discard_folder(folder: Path) -> None:
    """Delete a folder; readers stop seeing it before its first file is gone."""
    trash = trash_path(folder)
    shutil.rmtree(trash, ignore_errors=True)
    folder.rename(trash)
    shutil.rmtree(trash)


def remove_leftovers(folder: Path, target: str | None = None) -> None:
    """Delete what killed processes left in the folder, under the names of this version and of earlier ones.

    Args:
        folder: The folder to clean. The caller holds its lock.
        target: Delete only what was staged or discarded for this name; by default everything.
    """
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        is_of_target = target is None or path.name.startswith((f".{target}.", f".{target}-", f"{target}."))
        if is_of_target and _LEFTOVER.fullmatch(path.name):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
