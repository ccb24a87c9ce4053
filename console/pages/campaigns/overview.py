"""List the campaigns with their counts, and begin a new one."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from console.access.roles import Permission
from console.errors import ConflictError
from console.pages.campaigns.definition.draft import create
from console.pages.campaigns.definition.folder import listed
from console.pages.campaigns.outcome.counts import counts_of_all
from console.pages.campaigns.steps.forms import text
from console.pages.campaigns.steps.text import NEW_TEXT
from console.web.console import Console, requires, user_of
from marketing.campaigns.errors import DefinitionError
from marketing.campaigns.policy.contact_policy import load_contact_policy
from settings import Settings

GIVEN = ("filter", "saved")
"""Fields of the audience that another page may give."""

DEFAULTS = {"channel": "email", "message_class": "promotional", "purpose": "marketing"}


def endpoints(console: Console) -> list[Route]:
    """Return the endpoints of the list and of a new campaign."""
    settings, pages = console.settings, console.pages

    async def show(request: Request) -> Response:
        campaigns = await run_in_threadpool(listed, settings)
        context = {"campaigns": campaigns, "sending": None, "folder": settings.campaigns_folder}
        return pages.render(request, "campaigns/list.html", context)

    async def rows(request: Request) -> Response:
        """Return the table with the outbox's counts, which takes longer the more messages there are."""
        campaigns = await run_in_threadpool(listed, settings)
        sending = await run_in_threadpool(counts_of_all, settings)
        return pages.render(request, "campaigns/_list.html", {"campaigns": campaigns, "sending": sending})

    async def ask(request: Request) -> Response:
        # The page Segments leads here with the filter of a segment, and Audiences with the name of a saved audience.
        begun = {"id": "", "goal": "", **{name: request.query_params.get(name, "") for name in GIVEN}}
        return pages.render(request, "campaigns/new.html", _asked(settings, DEFAULTS | begun, []))

    @requires(Permission.EDIT_CAMPAIGNS)
    async def begin(request: Request) -> Response:
        form = await request.form()
        fields = {name: text(form, name) for name in ("id", "goal", *GIVEN, *DEFAULTS)}
        try:
            draft = await run_in_threadpool(create, settings, _first_fields(fields), user_of(request).name)
        except (DefinitionError, ConflictError) as error:
            problems = error.problems if isinstance(error, DefinitionError) else [str(error)]
            return pages.render(request, "campaigns/new.html", _asked(settings, fields, problems), status=400)
        return RedirectResponse(f"/campaigns/{draft.id}/audience", 303)

    return [
        Route("/campaigns", show),
        Route("/campaigns/counts", rows),
        Route("/campaigns/new", ask),
        Route("/campaigns/new", begin, methods=["POST"]),
    ]


def _asked(settings: Settings, fields: dict[str, str], problems: list[str]) -> dict[str, Any]:
    return {"fields": fields, "problems": problems, "policy": load_contact_policy(settings.contact_policy)}


def _first_fields(fields: dict[str, str]) -> dict[str, Any]:
    """Return a draft for everybody, a filter's customers or a saved audience, which the seven steps change."""
    fields = dict(fields)
    given = {name: value for name in GIVEN if (value := fields.pop(name))}
    audience: dict[str, Any] = given or {"everybody": True}
    content = [{"name": "all", "subject": "News for you", "text": NEW_TEXT}]
    experiment = {"holdout": 0.1, "metric": "spend"}
    return {"status": "draft", **fields, "audience": audience, "content": content, "experiment": experiment}
