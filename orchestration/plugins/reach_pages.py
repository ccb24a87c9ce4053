"""Airflow's plugin that shows Reach's pages: read only, to people who have logged in to Airflow.

Browsers follow no link from a web page to a file, so the API server hands the files out.
"""

from pathlib import Path

from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.plugins_manager import AirflowPlugin
from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse

from settings import load_settings

# Parts of the data directory with pages in them, and the kinds of files that a page consists of.
PARTS = ("runs", "quality", "dbt/docs", "release")
KINDS = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
    ".jsonl": "text/plain",
    ".woff2": "font/woff2",
}
# Scripts of a page run in a sandbox without the reader's origin, so they cannot act in Airflow on behalf of the reader.
HEADERS = {"Content-Security-Policy": "sandbox allow-scripts allow-popups", "X-Content-Type-Options": "nosniff"}

app = FastAPI(title="Reach's pages", docs_url=None, redoc_url=None, openapi_url=None)


def page_file(data: Path, path: str) -> Path | None:
    """Return the file of a page; None if it does not exist or must not be served."""
    file = (data / path).resolve()
    shown = any(file.is_relative_to((data / part).resolve()) for part in PARTS)
    return file if shown and file.suffix in KINDS and file.is_file() else None


@app.get("/{path:path}")
def page(path: str, user: GetUserDep) -> FileResponse:
    """Serve one file of a page to a logged-in user."""
    file = page_file(load_settings().data, path)
    if file is None:
        raise HTTPException(404, "There is no such page.")
    return FileResponse(file, media_type=KINDS[file.suffix], headers=HEADERS)


class ReachPages(AirflowPlugin):
    """Mount the pages below `/reach` on the API server."""

    name = "reach_pages"
    fastapi_apps = [{"app": app, "url_prefix": "/reach", "name": "Reach's pages"}]  # noqa: RUF012
