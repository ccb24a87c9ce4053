"""Edit a campaign's file as text, which keeps comments and layout."""

import tomllib

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from console.access.roles import Permission
from console.errors import ConsoleError
from console.pages.campaigns.conflict import conflict_page
from console.pages.campaigns.definition.draft import ChangedError, Draft, create, draft_of, save, written
from console.web.console import Console, requires, user_of
from marketing.campaigns.errors import DefinitionError

PATH = "/campaigns/{campaign_id}/file"


def endpoints(console: Console) -> list[Route]:
    """Return the endpoints of the file's page."""

    async def show(request: Request) -> Response:
        draft = await run_in_threadpool(draft_of, console.settings, request.path_params["campaign_id"])
        return _page(console, request, draft, draft.text, draft.problems())

    @requires(Permission.EDIT_CAMPAIGNS)
    async def change(request: Request) -> Response:
        form = await request.form()
        draft = await run_in_threadpool(draft_of, console.settings, request.path_params["campaign_id"])
        text = str(form.get("text", "")).replace("\r\n", "\n")
        if form.get("change") == "forms":
            text = _rewritten(draft)
        try:
            base, user = str(form.get("base")), user_of(request).name
            await run_in_threadpool(save, console.settings, draft.id, base, text, user)
        except ChangedError as error:
            return conflict_page(console, request, error)
        except DefinitionError as error:
            return _page(console, request, draft, text, error.problems, status=400)
        path = "audience" if form.get("change") == "forms" else "file"
        return RedirectResponse(f"/campaigns/{draft.id}/{path}", 303)

    @requires(Permission.EDIT_CAMPAIGNS)
    async def copy(request: Request) -> Response:
        form, user = await request.form(), user_of(request).name
        draft = await run_in_threadpool(draft_of, console.settings, request.path_params["campaign_id"])
        fields = draft.fields | {"id": str(form.get("id", "")).strip(), "status": "draft"}
        try:
            made = await run_in_threadpool(create, console.settings, fields, user)
        except DefinitionError as error:
            raise ConsoleError(str(error)) from error
        return RedirectResponse(f"/campaigns/{made.id}/audience", 303)

    return [
        Route(PATH, show),
        Route(PATH, change, methods=["POST"]),
        Route("/campaigns/{campaign_id}/copy", copy, methods=["POST"]),
    ]


def _rewritten(draft: Draft) -> str:
    """Return the file in the form that the console writes, without its comments."""
    try:
        return written(tomllib.loads(draft.text))
    except tomllib.TOMLDecodeError as error:
        raise ConsoleError(f"The file is not TOML: {error}. Correct the text first.") from error


def _page(
    console: Console, request: Request, draft: Draft, text: str, problems: list[str], status: int = 200
) -> Response:
    context = {
        "draft": draft,
        "text": text,
        "problems": problems,
        "comments": sum(line.lstrip().startswith("#") for line in draft.text.splitlines()),
        "may_edit": user_of(request).may(Permission.EDIT_CAMPAIGNS),
        "lines": max(12, min(60, text.count("\n") + 2)),
    }
    return console.pages.render(request, "campaigns/file.html", context, status)
