"""Show the effect of all campaigns together: the global hold-out against everybody else."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.access.roles import Permission
from console.pages.campaigns.outcome.results import picture_of, result_of
from console.web.console import Console, requires, user_of
from marketing.campaigns.policy.contact_policy import load_contact_policy
from marketing.measurement.global_hold_out import TOGETHER

PATH = "/campaigns/together"


def endpoints(console: Console) -> list[Route]:
    """Return the endpoints of the page and of its measurement."""
    settings = console.settings

    async def show(request: Request) -> Response:
        result = await run_in_threadpool(result_of, settings, TOGETHER)
        held = load_contact_policy(settings.contact_policy).global_hold_out
        context = {"result": result, "picture": picture_of(result) if result else None, "held": held}
        return console.pages.render(request, "campaigns/together.html", context)

    @requires(Permission.EDIT_CAMPAIGNS)
    async def measure(request: Request) -> Response:
        arguments, user = ["marketing", "measure", "--global-hold-out"], user_of(request).name
        command = console.commands.start(arguments, "Measure all campaigns together", user, PATH)
        return console.progress(request, command)

    return [Route(PATH, show), Route(PATH, measure, methods=["POST"])]
