"""Answer while a form is filled in: the count of a filter, the reach of an audience, names, inputs of a trigger."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.errors import ConsoleError
from console.pages.campaigns.definition.draft import draft_of
from console.pages.campaigns.reach import forecast, reach_picture
from console.pages.campaigns.steps.audience import filter_of
from console.pages.campaigns.steps.forms import text
from console.pages.campaigns.steps.goal import item_of, trigger_inputs
from console.web.console import Console
from marketing.audience.answer import Kind, Question
from marketing.audience.audience import Limits
from marketing.audience.known_items import known_items
from marketing.audience.question import Buyers
from marketing.audience.saved import read_saved
from marketing.errors import MarketingError
from marketing.segments import open_scores, select
from settings import Settings

KINDS: dict[str, Kind] = {"category": "category", "products": "product", "coupon": "coupon"}
"""Kinds of items by the field of a campaign's audience."""

SUGGESTIONS = 30


def endpoints(console: Console) -> list[Route]:
    """Return the endpoints of the parts that change while a form is filled in."""

    async def count(request: Request) -> Response:
        rule = filter_of(_form(request)).text
        try:
            found = await run_in_threadpool(_count, console.settings, rule)
        except MarketingError as error:
            raise ConsoleError(str(error)) from error
        return console.pages.render(request, "campaigns/_count.html", found)

    async def reach(request: Request) -> Response:
        draft = await run_in_threadpool(draft_of, console.settings, request.path_params["campaign_id"])
        rule = str(dict(draft.fields.get("audience") or {}).get("filter") or "")
        try:
            question = await run_in_threadpool(_question, console.settings, item_of(_form(request)))
            found = await run_in_threadpool(forecast, console.settings, question, rule) if question else None
        except MarketingError as error:
            raise ConsoleError(str(error)) from error
        context = reach_picture(found) if found else {"found": None}
        return console.pages.render(request, "campaigns/_reach.html", context)

    async def items(request: Request) -> Response:
        form = _form(request)
        kind, names = KINDS.get(text(form, "item"), ""), text(form, "item_names")
        found = await run_in_threadpool(known_items, console.settings, kind, names, SUGGESTIONS)
        return console.pages.render(request, "audiences/_items.html", {"found": found})

    async def trigger(request: Request) -> Response:
        draft = await run_in_threadpool(draft_of, console.settings, request.path_params["campaign_id"])
        kind = text(_form(request), "trigger")
        written = dict(draft.fields.get("trigger") or {})
        inputs = trigger_inputs(kind, written if written.get("type") == kind else {})
        return console.pages.render(request, "campaigns/_trigger.html", {"trigger_inputs": inputs})

    return [
        Route("/campaigns/{campaign_id}/count", count),
        Route("/campaigns/{campaign_id}/reach", reach),
        Route("/campaigns/{campaign_id}/items", items),
        Route("/campaigns/{campaign_id}/trigger", trigger),
    ]


def _question(settings: Settings, item: dict[str, Any]) -> Question | None:
    """Return the question for an item or a saved audience; None without an item.

    Raises:
        MarketingError: a value cannot be used, or the saved audience is missing.
    """
    if item.get("saved"):
        return read_saved(settings.paths.audiences, item["saved"])
    named = next((name for name in KINDS if item.get(name)), None)
    if named is None:
        return None
    ids = item[named] if isinstance(item[named], list) else [item[named]]
    size, least = item["size"], item["min_probability"]
    if not isinstance(size, int | None) or not isinstance(least, int | float | None):
        raise MarketingError("'At most customers' and 'Probability at least' are numbers, or empty for no limit.")
    return Question(KINDS[named], ids, Limits(Buyers(item["buyers"] or Buyers.BOTH), size, least))


def _form(request: Request) -> FormData:
    """Return the query as if it were a form; htmx sends a form's fields this way."""
    found: list[tuple[str, str | UploadFile]] = [*request.query_params.multi_items()]
    return FormData(found)


def _count(settings: Settings, rule: str) -> dict[str, Any]:
    """Return how many customers a filter matches; without a filter, all of them."""
    if not rule:
        with open_scores(settings.paths.customers) as connection:
            (total,) = connection.execute("SELECT count(*) FROM customers").fetchone() or (0,)
        return {"customers": total, "total": total, "rule": ""}
    found = select(settings.paths.customers, rule)
    return {"customers": len(found.customer_ids), "total": found.total, "rule": rule}
