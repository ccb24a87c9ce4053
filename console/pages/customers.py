"""Show one customer: profile, purchases, lists and messages. The id is posted, so that no address contains it."""

import asyncio
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.errors import ConsoleError, NotFoundError
from console.web.console import Console
from console.web.outbox import opened_outbox
from outbox.customers.view import CustomerRecord, customer_record
from settings import Settings

PURCHASES, LIST_LENGTH = 20, 10
LISTS = (("Buys next", "all"), ("Never bought before", "explore"))


def endpoints(console: Console) -> list[Route]:
    """Return the endpoints of the page and of its parts, which are loaded after it."""
    parts = {"profile": _profile, "history": _history, "lists": _lists, "messages": _messages}

    async def page(request: Request) -> Response:
        return console.pages.render(request, "customers/customers.html")

    async def suggestions(request: Request) -> Response:
        try:
            found = await console.service.get("/ui/customers")
        except ConsoleError as error:
            return console.pages.render(request, "_problem.html", {"problem": str(error)})
        return console.pages.render(request, "customers/_suggestions.html", {"customer_ids": found["customer_ids"]})

    async def customer(request: Request) -> Response:
        form = await request.form()
        customer_id, part = str(form.get("customer_id", "")).strip(), str(form.get("part", ""))
        if not customer_id:
            raise ConsoleError("Enter a customer's id.")
        if not part:
            context = {"customer_id": customer_id, "service_url": console.service.url}
            return console.pages.render(request, "customers/_customer.html", context)
        if part not in parts:
            raise ConsoleError(f"This page has no part '{part}'.")
        try:
            context = await parts[part](console, customer_id)
        except ConsoleError as error:
            # The other parts of the page are not affected, and an unknown customer is an answer.
            template = "_empty.html" if isinstance(error, NotFoundError) else "_problem.html"
            return console.pages.render(request, template, {"problem": str(error)})
        return console.pages.render(request, f"customers/_{part}.html", context)

    return [
        Route("/customers", page),
        Route("/customers", customer, methods=["POST"]),
        Route("/customers/suggestions", suggestions),
    ]


async def _profile(console: Console, customer_id: str) -> dict[str, Any]:
    return {"profile": await console.service.post("/profile", {"customer_id": customer_id})}


async def _history(console: Console, customer_id: str) -> dict[str, Any]:
    return {"history": await console.service.post("/history", {"customer_id": customer_id, "k": PURCHASES})}


async def _lists(console: Console, customer_id: str) -> dict[str, Any]:
    """Return both lists; a list that fails has its reason, and the other one is shown."""

    async def ask(title: str, slate: str) -> tuple[str, dict[str, Any], str]:
        try:
            body = {"customer_id": customer_id, "slate": slate, "k": LIST_LENGTH, "preview": True}
            return title, await console.service.post("/recommend", body), ""
        except ConsoleError as error:
            return title, {}, str(error)

    return {"lists": await asyncio.gather(*(ask(title, slate) for title, slate in LISTS))}


async def _messages(console: Console, customer_id: str) -> dict[str, Any]:
    return {"record": await run_in_threadpool(_record, console.settings, customer_id)}


def _record(settings: Settings, customer_id: str) -> CustomerRecord | None:
    with opened_outbox(settings) as store:
        return customer_record(store, customer_id) if store else None
