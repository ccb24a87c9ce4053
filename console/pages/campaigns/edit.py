"""Show and save the seven steps of a campaign."""

import re
from copy import deepcopy
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from console.access.roles import Permission
from console.errors import ConsoleError, NotFoundError
from console.pages.campaigns.conflict import conflict_page
from console.pages.campaigns.definition.draft import ChangedError, Draft, draft_of, save, written
from console.pages.campaigns.operate import launch_path
from console.pages.campaigns.steps import BY_SLUG, STEPS, Step
from console.pages.campaigns.steps.forms import Fields, in_form_words
from console.pages.campaigns.steps.text import with_new_text
from console.pages.campaigns.trial.differences import marked
from console.pages.campaigns.trial.trials import Trial, Trials
from console.web.console import Console, requires, user_of
from marketing.campaigns.errors import DefinitionError

_LINE = re.compile(r"^Line \d+: ")


def endpoints(console: Console, trials: Trials) -> list[Route]:
    """Return the endpoints of the steps."""

    async def show(request: Request) -> Response:
        draft = await run_in_threadpool(draft_of, console.settings, request.path_params["campaign_id"])
        if draft.problems():
            return RedirectResponse(f"/campaigns/{draft.id}/file", 303)
        is_new = request.query_params.get("new") == "text"
        fields = with_new_text(draft.fields) if is_new else draft.fields
        return await _page(console, trials, request, draft, fields, [])

    @requires(Permission.EDIT_CAMPAIGNS)
    async def change(request: Request) -> Response:
        draft = await run_in_threadpool(draft_of, console.settings, request.path_params["campaign_id"])
        step, form, fields = _step(request), await request.form(), deepcopy(draft.fields)
        if step.apply is None:
            raise NotFoundError(f"The step '{step.title}' has nothing to save. Open it, and go on with 'Continue'.")
        if not draft.has_form or draft.problems():
            raise ConsoleError("This file was not written by the console, so it is edited as text.")
        step.apply(fields, form)
        try:
            base, user = str(form.get("base")), user_of(request).name
            await run_in_threadpool(save, console.settings, draft.id, base, written(fields), user)
        except ChangedError as error:
            return conflict_page(console, request, error)
        except DefinitionError as error:
            problems = [in_form_words(_LINE.sub("", problem)) for problem in error.problems]
            return await _page(console, trials, request, draft, fields, problems)
        faults = await run_in_threadpool(step.faults, console.settings, fields)
        if form.get("change") or faults:  # a text was added or removed, or a value cannot be used: the person stays
            new = "?new=text" if form.get("change") == "add" else ""
            return RedirectResponse(f"/campaigns/{draft.id}/{step.slug}{new}", 303)
        following = STEPS[min(STEPS.index(step) + 1, len(STEPS) - 1)]
        return RedirectResponse(f"/campaigns/{draft.id}/{following.slug}", 303)

    path = "/campaigns/{campaign_id}/{step}"
    return [Route(path, show), Route(path, change, methods=["POST"])]


def _step(request: Request) -> Step:
    slug = request.path_params["step"]
    if slug not in BY_SLUG:
        raise NotFoundError(f"A campaign has no page '{slug}'. Choose one of its steps: {', '.join(BY_SLUG)}.")
    return BY_SLUG[slug]


async def _page(
    console: Console, trials: Trials, request: Request, draft: Draft, fields: Fields, problems: list[str]
) -> Response:
    step, user = _step(request), user_of(request)
    context = await run_in_threadpool(step.context, console.settings, fields)
    trial = trials.find(draft.id, user.name)
    shown = {
        "draft": draft,
        "fields": fields,
        "step": step,
        "steps": STEPS,
        "number": STEPS.index(step) + 1,
        "problems": problems,
        "faults": await run_in_threadpool(step.faults, console.settings, fields),
        "may_edit": user.may(Permission.EDIT_CAMPAIGNS) and draft.has_form,
        "trial": trial,
        "launching": console.commands.unfinished(user.name, launch_path(draft.id)),
        **_examples(trial),
        **context,
    }
    return console.pages.render(request, step.template, shown, status=400 if problems else 200)


def _examples(trial: Trial | None) -> dict[str, Any]:
    """Return the examples of a dry run, and the first two of different contents with their differences."""
    result = trial.result if trial else None
    examples: list[dict[str, Any]] = list(result["examples"]) if result else []
    by_content = {example["content"]: example for example in reversed(examples)}
    pair = [example for example in examples if by_content.get(example["content"]) is example][:2]
    if len(pair) < 2:
        return {"examples": examples, "pair": []}
    parts = [marked(pair[0][part], pair[1][part]) for part in ("subject", "text")]
    sides = [
        {"content": example["content"], "subject": parts[0][side], "text": parts[1][side]}
        for side, example in enumerate(pair)
    ]
    return {"examples": examples, "pair": sides}
