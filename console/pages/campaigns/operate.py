"""Launch, stop, restart, check and measure a campaign by Reach's commands."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from console.access.roles import Permission
from console.errors import ConsoleError
from console.pages.campaigns.definition.draft import ChangedError, draft_of
from console.pages.campaigns.definition.lists import lists_first
from console.pages.campaigns.definition.status import restore_status, set_status
from console.pages.campaigns.steps.forms import text
from console.web.commands import Step
from console.web.console import Console, requires, user_of


def launch_path(campaign_id: str) -> str:
    """Return the address to which a finished launch leads; a launch under way is found by it."""
    return f"/campaigns/{campaign_id}#counts"


def endpoints(console: Console) -> list[Route]:
    """Return the endpoints."""
    settings, commands = console.settings, console.commands

    async def check(request: Request) -> Response:
        draft = await run_in_threadpool(draft_of, settings, request.path_params["campaign_id"])
        arguments = ["marketing", "campaign", "check", draft.id]
        found = await commands.run(arguments, "Check the campaign", user_of(request).name)
        lists = await run_in_threadpool(lists_first, settings, draft)
        return console.pages.render(
            request, "campaigns/_check.html", {"found": found, "lists": lists.reason, "draft": draft}
        )

    @requires(Permission.LAUNCH)
    async def launch(request: Request) -> Response:
        form, user = await request.form(), user_of(request).name
        before = await run_in_threadpool(draft_of, settings, request.path_params["campaign_id"])
        if before.base != form.get("base"):
            raise ChangedError(before, before.text)
        lists = await run_in_threadpool(lists_first, settings, before)

        def begin() -> None:
            """Let the campaign run, unless somebody changed the file that was checked."""
            set_status(settings, before.id, "running", user, before.base)

        def take_back() -> None:
            """Give the file its former status, so that the hourly plans do not launch what failed here."""
            restore_status(settings, before, user)

        steps: list[Step] = [
            ["marketing", "campaign", "check", before.id],
            *lists.steps,
            begin,
            ["marketing", "campaign", "plan", before.id],
            ["quality", "plan", "--campaign", before.id],
            ["marketing", "campaign", "enqueue", before.id],
        ]
        title = "Check, write the lists, plan and enqueue" if lists.steps else "Check, plan and enqueue"
        command = commands.start_chain(steps, title, user, launch_path(before.id), on_failure=take_back)
        return console.progress(request, command)

    @requires(Permission.LAUNCH)
    async def stop(request: Request) -> Response:
        form, user = await request.form(), user_of(request).name
        draft = await run_in_threadpool(draft_of, settings, request.path_params["campaign_id"])
        reason = f"--reason={text(form, 'reason') or 'no reason given'} ({user})"
        await commands.run(["outbox", "stop", draft.id, reason], "Stop the campaign", user)
        try:
            await run_in_threadpool(set_status, settings, draft.id, "stopped", user)
        except ConsoleError as error:
            raise ConsoleError(
                f"Its waiting messages are stopped. The file still has to be changed: {error}"
            ) from error
        return RedirectResponse(f"/campaigns/{draft.id}", 303)

    @requires(Permission.LAUNCH)
    async def restart(request: Request) -> Response:
        user = user_of(request).name
        draft = await run_in_threadpool(draft_of, settings, request.path_params["campaign_id"])
        await commands.run(["outbox", "restart", draft.id], "Restart the campaign", user)
        await run_in_threadpool(set_status, settings, draft.id, "running", user)
        return RedirectResponse(f"/campaigns/{draft.id}/launch", 303)

    @requires(Permission.EDIT_CAMPAIGNS)
    async def measure(request: Request) -> Response:
        draft = await run_in_threadpool(draft_of, settings, request.path_params["campaign_id"])
        arguments, path = ["marketing", "measure", draft.id], f"/campaigns/{draft.id}"
        command = commands.start(arguments, "Measure the campaign", user_of(request).name, path)
        return console.progress(request, command)

    return [
        Route("/campaigns/{campaign_id}/check", check),
        Route("/campaigns/{campaign_id}/launch", launch, methods=["POST"]),
        Route("/campaigns/{campaign_id}/stop", stop, methods=["POST"]),
        Route("/campaigns/{campaign_id}/restart", restart, methods=["POST"]),
        Route("/campaigns/{campaign_id}/measure", measure, methods=["POST"]),
    ]
