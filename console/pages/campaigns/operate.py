"""Launch, stop, restart, check and measure a campaign by Reach's commands."""

from contextlib import suppress

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from console.access.roles import Permission
from console.errors import ConsoleError
from console.pages.campaigns.definition.draft import draft_of
from console.pages.campaigns.definition.lists import lists_first
from console.pages.campaigns.definition.status import set_status
from console.pages.campaigns.steps.forms import text
from console.web.console import Console, requires, user_of


def endpoints(console: Console) -> list[Route]:
    """Return the endpoints."""
    settings, commands = console.settings, console.commands

    async def check(request: Request) -> Response:
        draft = await run_in_threadpool(draft_of, settings, request.path_params["campaign_id"])
        arguments = ["marketing", "campaign", "check", draft.id]
        found = await commands.run(arguments, "Check the campaign", user_of(request).name)
        lists = await run_in_threadpool(lists_first, settings, draft)
        return console.pages.render(request, "campaigns/_check.html", {"found": found, "lists": lists.reason})

    @requires(Permission.LAUNCH)
    async def launch(request: Request) -> Response:
        form, user = await request.form(), user_of(request).name
        before = await run_in_threadpool(draft_of, settings, request.path_params["campaign_id"])
        lists = await run_in_threadpool(lists_first, settings, before)
        running = await run_in_threadpool(set_status, settings, before.id, "running", user, str(form.get("base")))

        def take_back() -> None:
            """Give the file its former status, so that the hourly plans do not launch what failed here."""
            with suppress(ConsoleError):
                set_status(settings, before.id, str(before.fields.get("status", "draft")), user, running.base)

        steps = [
            *lists.steps,
            ["marketing", "campaign", "plan", before.id],
            ["quality", "plan", "--campaign", before.id],
            ["marketing", "campaign", "enqueue", before.id],
        ]
        title = "Write the lists, plan, check and enqueue" if lists.steps else "Plan, check and enqueue"
        try:
            command = commands.start_chain(steps, title, user, f"/campaigns/{before.id}", on_failure=take_back)
        except ConsoleError:
            take_back()
            raise
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
