"""Show the progress of a command that a page has started."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.web.console import Console, user_of


def endpoints(console: Console) -> list[Route]:
    """Return the endpoint of a command's progress."""

    async def progress(request: Request) -> Response:
        command = console.commands.find(request.path_params["command_id"], user_of(request).name)
        answer = console.progress(request, command)
        if not command.is_running and command.problem is None and command.next_path:
            answer.headers["HX-Redirect"] = command.next_path
        return answer

    return [Route("/commands/{command_id}", progress)]
