"""Find the files of the pages that runs write, for web servers that hand them out."""

from pathlib import Path

PARTS = ("runs", "quality", "dbt/docs", "release")
"""Parts of the data directory with pages in them."""

MEDIA_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
    ".jsonl": "text/plain",
    ".woff2": "font/woff2",
}
"""The kinds of files that a page consists of."""

HEADERS = {"Content-Security-Policy": "sandbox allow-scripts allow-popups", "X-Content-Type-Options": "nosniff"}
"""Scripts of a page run in a sandbox without the reader's origin, so they cannot act on behalf of the reader."""


def page_file(data: Path, path: str) -> Path | None:
    """Return the file of a page; None if it does not exist or must not be served.

    Args:
        data: the data directory.
        path: of the file below it, as a request names it.
    """
    file = (data / path).resolve()
    shown = any(file.is_relative_to((data / part).resolve()) for part in PARTS)
    return file if shown and file.suffix in MEDIA_TYPES and file.is_file() else None
