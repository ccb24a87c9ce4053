"""Serve the pages that runs write: reports, results of the checks, dbt's documentation."""

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from console.errors import NotFoundError
from console.web.console import Console
from core.files.page_files import HEADERS, MEDIA_TYPES, page_file


def endpoints(console: Console) -> list[Route]:
    """Return the endpoint of these files."""

    async def file(request: Request) -> Response:
        found = page_file(console.settings.data, request.path_params["path"])
        if found is None:
            raise NotFoundError(
                f"The page '{request.path_params['path'][:120]}' does not exist: a later run may have replaced it, or "
                "'make prune' deleted it. The pages 'Runs and releases' and 'Data' link those that exist."
            )
        return FileResponse(found, media_type=MEDIA_TYPES[found.suffix], headers=HEADERS)

    return [Route("/files/{path:path}", file)]
