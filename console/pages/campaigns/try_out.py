"""Try a campaign: the plan as a dry run, the HTML of one of its messages, and the offers under a budget."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from console.access.roles import Permission
from console.errors import ConsoleError, NotFoundError
from console.pages.campaigns.definition.draft import draft_of
from console.pages.campaigns.definition.lists import lists_first
from console.pages.campaigns.steps import BY_SLUG
from console.pages.campaigns.steps.forms import number, percent
from console.pages.campaigns.trial.trials import Trials
from console.web.console import Console, requires, user_of

PREVIEW_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
"""A message's HTML may bring its own styles; it runs no script and loads nothing."""


def endpoints(console: Console, trials: Trials) -> list[Route]:
    """Return the endpoints."""

    @requires(Permission.EDIT_CAMPAIGNS)
    async def try_plan(request: Request) -> Response:
        form = await request.form()
        draft = await run_in_threadpool(draft_of, console.settings, request.path_params["campaign_id"])
        step = str(form.get("step"))
        path = f"/campaigns/{draft.id}/{step if step in BY_SLUG else 'left-out'}"
        before = await run_in_threadpool(lists_first, console.settings, draft)
        trial = trials.start(draft.id, draft.base, user_of(request).name, path, before.steps)
        return console.progress(request, trial.command)

    async def preview(request: Request) -> Response:
        trial = trials.find(request.path_params["campaign_id"], user_of(request).name)
        result = trial.result if trial else None
        examples = result["examples"] if result else []
        position = request.path_params["number"]
        html = examples[position]["html"] if position < len(examples) else None
        if html is None:
            raise NotFoundError(
                f"Message {position + 1} of '{request.path_params['campaign_id']}' has no HTML part, or its dry run "
                "was dropped: the console keeps the newest ones until it is restarted. Try the plan again."
            )
        return HTMLResponse(html, headers={"Content-Security-Policy": PREVIEW_POLICY})

    @requires(Permission.EDIT_CAMPAIGNS)
    async def try_offers(request: Request) -> Response:
        form = await request.form()
        values = {
            "--budget": number(form, "budget_money"),
            "--max-existing-share": percent(form, "max_existing_share"),
            "--face-value": number(form, "face_value"),
            "--margin": number(form, "margin"),
        }
        if not isinstance(values["--budget"], int | float):
            raise ConsoleError("Write the budget's money first: offers are chosen under it.")
        given = [f"{name}={value}" for name, value in values.items() if value is not None]
        arguments = ["marketing", "offers", "--per-customer=1", *given]
        command = console.commands.start(arguments, "Choose offers; nothing is kept", user_of(request).name)
        command.result_part = f"/offers/parts/{command.command_id}"
        return console.progress(request, command)

    return [
        Route("/campaigns/{campaign_id}/try", try_plan, methods=["POST"]),
        Route("/campaigns/{campaign_id}/offers", try_offers, methods=["POST"]),
        Route("/campaigns/{campaign_id}/preview/{number:int}", preview),
    ]
