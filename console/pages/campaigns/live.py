"""Answer while a person fills a step in: the count of a filter, the reach of an audience, the inputs of a trigger."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.errors import ConsoleError
from console.pages.campaigns.definition.draft import draft_of
from console.pages.campaigns.reach import reach_picture
from console.pages.campaigns.steps.audience import filter_of
from console.pages.campaigns.steps.forms import text
from console.pages.campaigns.steps.goal import item_of, trigger_inputs
from console.web.console import Console
from marketing.audience.audience import BEYOND_SIZE
from marketing.audience.saved import read_saved
from marketing.errors import MarketingError
from marketing.segments import open_scores, select
from settings import Settings

KINDS = {"category": "category", "products": "product", "coupon": "coupon"}
"""Kinds of items as the service names them."""

FIRST = 100
"""Customers that the service names for an audience without a size."""


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
        try:
            question = await run_in_threadpool(_question, console.settings, item_of(_form(request)))
        except MarketingError as error:
            raise ConsoleError(str(error)) from error
        if question is None:
            return console.pages.render(request, "campaigns/_reach.html", {"answer": None})
        answer = await console.service.post("/audience", question | {"size": question["size"] or FIRST})
        if question["size"] is None:  # the first ones are shown, and the campaign reaches the others as well
            answer["left_out"] = [one for one in answer["left_out"] if not one["reason"].startswith(BEYOND_SIZE)]
        return console.pages.render(request, "campaigns/_reach.html", reach_picture(answer))

    async def trigger(request: Request) -> Response:
        draft = await run_in_threadpool(draft_of, console.settings, request.path_params["campaign_id"])
        kind = text(_form(request), "trigger")
        written = dict(draft.fields.get("trigger") or {})
        inputs = trigger_inputs(kind, written if written.get("type") == kind else {})
        return console.pages.render(request, "campaigns/_trigger.html", {"trigger_inputs": inputs})

    return [
        Route("/campaigns/{campaign_id}/count", count),
        Route("/campaigns/{campaign_id}/reach", reach),
        Route("/campaigns/{campaign_id}/trigger", trigger),
    ]


def _question(settings: Settings, item: dict[str, Any]) -> dict[str, Any] | None:
    """Return the service's question for an item or a saved audience, whose size may be None; None without an item."""
    if item.get("saved"):
        found = read_saved(settings.paths.audiences, item["saved"])
        limits = found.limits
        kind, ids, buyers = str(found.kind), list(found.ids), limits.buyers.value
        size, least = limits.size, limits.least_probability
    else:
        named = next((name for name in KINDS if item.get(name)), None)
        if named is None:
            return None
        kind, ids = KINDS[named], item[named] if isinstance(item[named], list) else [item[named]]
        buyers, size, least = item["buyers"], item["size"], item["min_probability"]
    return {"kind": kind, "ids": ids, "buyers": buyers or "both", "size": size, "min_probability": least or 0.0}


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
