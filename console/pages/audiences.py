"""Ask who is likely to buy something: the curve of reach, who is left out, the first customers, export and saving."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.access.roles import Permission
from console.errors import ConsoleError
from console.pages.published_audiences import opened_audiences
from console.web.charts import Line, line_chart
from console.web.console import Console, requires, user_of
from console.web.exports import FORMATS, exported
from marketing.audience.answer import Kind, Question, answer
from marketing.audience.audience import Audience, Limits
from marketing.audience.known_items import known_items
from marketing.audience.question import Buyers
from marketing.audience.saved import as_toml, read_saved, saved_audiences
from marketing.errors import MarketingError
from settings import Settings

KINDS: dict[Kind, str] = {
    "category": "a category",
    "product": "products",
    "coupon": "a coupon's products",
    "customer": "what customers like these buy",
}
BUYERS = {Buyers.BOTH: "everybody", Buyers.NEW: "customers who never bought it", Buyers.PAST: "past buyers"}
SUGGESTIONS, SHOWN = 30, 20
NO_QUESTION = {"kind": "category", "ids": "", "buyers": "both", "size": "", "min_probability": ""}


def endpoints(console: Console) -> list[Route]:
    """Return the endpoints of the page, of its parts, of the export, and of saving."""
    settings = console.settings

    async def page(request: Request) -> Response:
        saved = await run_in_threadpool(saved_audiences, settings.paths.audiences)
        name, asked, problem = request.query_params.get("saved", ""), dict(NO_QUESTION), ""
        if name:
            try:
                asked = _fields(await run_in_threadpool(read_saved, settings.paths.audiences, name))
            except MarketingError as error:
                problem = str(error)
        context = {"saved": saved, "asked": asked, "problem": problem, "kinds": KINDS, "buyers": BUYERS}
        return console.pages.render(request, "audiences/audiences.html", context)

    async def ask(request: Request) -> Response:
        form = await request.form()
        if form.get("part") == "items":
            read = partial(known_items, settings, _text(form, "kind"), _text(form, "ids"), SUGGESTIONS)
            return console.pages.render(request, "audiences/_items.html", {"found": await run_in_threadpool(read)})
        try:
            context = await run_in_threadpool(_answer, settings, _question(form))
        except MarketingError as error:
            return console.pages.render(request, "_problem.html", {"problem": str(error)})
        return console.pages.render(request, "audiences/_audience.html", context)

    @requires(Permission.EXPORT)
    async def export(request: Request) -> Response:
        form = await request.form()
        question, ending = _question_or_error(form), _text(form, "format")
        if ending not in FORMATS:
            raise ConsoleError(f"An export has the format csv or parquet, not '{ending}'.")
        ids = question.ids if question.kind == "customer" else ()
        return await exported(console, request, _arguments(question), "audience", ending, ids)

    @requires(Permission.EDIT_CAMPAIGNS)
    async def save(request: Request) -> Response:
        form = await request.form()
        question, name = _question_or_error(form), _text(form, "name")
        if question.kind == "customer":
            raise ConsoleError("An audience of look-alikes names customers, so it is not saved. Export it instead.")
        arguments = [*_arguments(question), "--save", name]
        await console.commands.run(arguments, f"Save audience {name}", user_of(request).name)
        return console.pages.render(request, "audiences/_saved.html", {"name": name})

    return [
        Route("/audiences", page),
        Route("/audiences", ask, methods=["POST"]),
        Route("/audiences/export", export, methods=["POST"]),
        Route("/audiences/saved", save, methods=["POST"]),
    ]


def _answer(settings: Settings, question: Question) -> dict[str, Any]:
    answered = answer(settings, question, opened_audiences(settings))
    found = answered.audience
    first = zip(
        found.customer_ids[:SHOWN].to_pylist(), found.scores[:SHOWN], found.is_past[:SHOWN].tolist(), strict=True
    )
    return {
        "found": found,
        "count": len(found.scores),
        "past": int(found.is_past.sum()),
        "first": [(customer, float(score), is_past) for customer, score, is_past in first],
        "unsold": answered.unsold,
        "chart": _chart(found) if found.curve and found.total else None,
        "asked": _fields(question),
        "lines": as_toml(question) if question.kind != "customer" else "",
    }


def _chart(found: Audience) -> str:
    """Return expected buyers against customers reached: the audience's order, and customers drawn at random."""
    everybody, total = found.curve[-1], found.total
    assert total is not None  # the caller has checked it
    points = [(0.0, 0.0), *((float(point.customers), point.expected_buyers) for point in found.curve)]
    band = [(0.0, 0.0), *((point.low, point.high) for point in found.curve)]
    by_chance = everybody.expected_buyers * total.customers / everybody.customers
    return line_chart(
        "Expected buyers by customers reached",
        f"The {total.customers:,} customers of this audience hold {total.expected_buyers:,.0f} expected buyers within "
        f"four weeks ({total.low:,.0f} to {total.high:,.0f}); as many drawn at random would hold {by_chance:,.0f}.",
        [
            Line("most likely first, with the 95% interval", points, band),
            Line("at random", [(0.0, 0.0), (float(everybody.customers), everybody.expected_buyers)], (), True),
        ],
        "customers reached",
        "expected buyers",
        float(total.customers),
    )


def _question(form: FormData) -> Question:
    """Return what the form asks for.

    Raises:
        MarketingError: a field cannot be used.
    """
    kind, text = _text(form, "kind"), _text(form, "ids")
    if kind not in KINDS:
        raise MarketingError(f"'{kind}' cannot be asked for. Choose one of {', '.join(KINDS)}.")
    ids: Sequence[str] = [text] if kind == "category" and text else text.replace(",", " ").split()
    buyers = _text(form, "buyers") or Buyers.BOTH
    if buyers not in list(Buyers):
        raise MarketingError(f"'{buyers}' is neither past, new nor both.")
    size, least = _number(form, "size"), _number(form, "min_probability")
    if size is not None and size != int(size):
        raise MarketingError(f"A size of {size} is not a whole number of customers.")
    limits = Limits(Buyers(buyers), None if size is None else int(size), least)
    return Question(kind, ids, limits)


def _question_or_error(form: FormData) -> Question:
    try:
        return _question(form)
    except MarketingError as error:
        raise ConsoleError(str(error)) from error


def _arguments(question: Question) -> list[str]:
    """Return the command for a question; ids of customers are given in a file."""
    limits = question.limits
    named = [] if question.kind == "customer" else [f"--{question.kind}", *question.ids]
    buyers = ["--buyers", limits.buyers.value]
    size = [] if limits.size is None else ["--size", str(limits.size)]
    least = [] if limits.least_probability is None else ["--min-probability", str(limits.least_probability)]
    return ["marketing", "audience", *named, *buyers, *size, *least]


def _fields(question: Question) -> dict[str, str]:
    """Return a question as the form's fields."""
    limits = question.limits
    return {
        "kind": question.kind,
        "ids": " ".join(question.ids),
        "buyers": limits.buyers.value,
        "size": "" if limits.size is None else str(limits.size),
        "min_probability": "" if limits.least_probability is None else f"{limits.least_probability:g}",
    }


def _number(form: FormData, name: str) -> float | None:
    text = _text(form, name)
    try:
        return float(text) if text else None
    except ValueError:
        raise MarketingError(f"The {name.replace('_', ' ')} '{text}' is not a number.") from None


def _text(form: FormData, name: str) -> str:
    return str(form.get(name, "")).strip()
