"""Airflow's plugin that shows Reach's pages: read only, to people who have logged in to Airflow.

Browsers follow no link from a web page to a file, so the API server hands the files out.
"""

from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.plugins_manager import AirflowPlugin
from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse

from core.files.page_files import HEADERS, MEDIA_TYPES, page_file
from settings import load_settings

app = FastAPI(title="Reach's pages", docs_url=None, redoc_url=None, openapi_url=None)


@app.get("/{path:path}")
def page(path: str, user: GetUserDep) -> FileResponse:
    """Serve one file of a page to a logged-in user."""
    file = page_file(load_settings().data, path)
    if file is None:
        raise HTTPException(404, "There is no such page.")
    return FileResponse(file, media_type=MEDIA_TYPES[file.suffix], headers=HEADERS)


class ReachPages(AirflowPlugin):
    """Mount the pages below `/reach` on the API server."""

    name = "reach_pages"
    fastapi_apps = [{"app": app, "url_prefix": "/reach", "name": "Reach's pages"}]  # noqa: RUF012
