"""Show the landing's campaigns, which had no hold-out, so that no number of theirs is an effect."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.errors import NotFoundError
from console.web.console import Console, user_of


def endpoints(console: Console) -> list[Route]:
    """Return the endpoints of the page and of its comparison."""

    async def show(request: Request) -> Response:
        command = None
        if command_id := request.query_params.get("command"):
            try:
                command = console.commands.find(command_id, user_of(request).name)
            except NotFoundError:
                command = None  # it is compared again
        found = command.result if command and not command.is_running and not command.problem else None
        return console.pages.render(request, "campaigns/past.html", {"found": found})

    async def compare(request: Request) -> Response:
        command = console.commands.start(
            ["marketing", "past-campaigns"], "Compare the campaigns of the past", user_of(request).name
        )
        command.next_path = f"/campaigns/past?command={command.command_id}"
        return console.progress(request, command)

    return [Route("/campaigns/past", show), Route("/campaigns/past", compare, methods=["POST"])]
