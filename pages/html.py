"""Writes a page: plain HTML with its few styles inside, so that it needs no other file and no network."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template

from pages.entry import Entry

_TEMPLATE = Path(__file__).with_name("page.html")


def write_page(page: Path, title: str, lead: str, entries: Sequence[Entry]) -> Path:
    """Write the page in one step and return it."""
    rows = "\n".join(_row(entry, page.parent) for entry in entries)
    written = f"Written {datetime.now(UTC):%Y-%m-%d %H:%M} UTC."
    text = Template(_TEMPLATE.read_text()).substitute(
        title=escape(title), lead=escape(lead), rows=rows, written=written
    )
    staged = page.with_name(f".{page.name}.{os.getpid()}")
    staged.write_text(text)
    staged.replace(page)
    return page


def _row(entry: Entry, folder: Path) -> str:
    state = "bad" if entry.is_bad else "missing" if entry.missing else ""
    name = escape(entry.title)
    if entry.target is not None:
        name = f'<a href="{escape(_link(entry.target, folder))}">{name}</a>'
    body = escape(f"Missing. {entry.missing}" if entry.missing else entry.text)
    lines = "".join(f"<li>{escape(line)}</li>" for line in entry.lines)
    return f'<tr class="{state}"><th scope="row">{name}</th><td>{body}{lines and f"<ul>{lines}</ul>"}</td></tr>'


def _link(target: Path, folder: Path) -> str:
    """Return the way from the page to the target; relative, so that the data directory can be moved."""
    return Path(os.path.relpath(target, folder)).as_posix()
