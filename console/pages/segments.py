"""Show the published segments with their certificates, and build, count, compare and export filters."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.access.roles import Permission
from console.errors import ConsoleError
from console.web.console import Console, requires
from console.web.exports import exported
from core.files.publication import linked
from customer_scores.publication import read_record
from marketing.errors import MarketingError
from marketing.segments import Vocabulary, open_scores, read_vocabulary, select
from marketing.segments.comparison import compare
from marketing.segments.conditions import Property, condition, properties, with_condition
from marketing.segments.matrix import segment_matrix
from settings import Settings

AXES = ("value", "taste")
LISTED_VALUES = 60
"""Values of one property that the vocabulary lists; the field for a value suggests all of them."""

EXAMPLE = 'lapse_8w > 5% and segment.value = "high"'


@dataclass(frozen=True)
class Certificate:
    """The figures with which an axis was published, and whether they still hold."""

    axis: str
    scheme: str
    figures: dict[str, float | None]
    expires: date | None
    has_expired: bool


def endpoints(console: Console) -> list[Route]:
    """Return the endpoints of the page, of its parts, and of the export."""
    settings = console.settings
    parts = {"count": _count, "compare": _compare, "property": _property, "add": _add}

    async def page(request: Request) -> Response:
        found = await run_in_threadpool(_certificates, settings)
        given = request.query_params.get("filter", "")
        return console.pages.render(request, "segments/segments.html", {**found, "filter": given or EXAMPLE})

    async def matrix(request: Request) -> Response:
        return await _part(request, "matrix", partial(_matrix, settings))

    async def vocabulary(request: Request) -> Response:
        return await _part(request, "vocabulary", partial(_vocabulary, settings))

    async def ask(request: Request) -> Response:
        form = await request.form()
        part = str(form.get("part", ""))
        if part not in parts:
            raise ConsoleError(f"This page has no part '{part}'.")
        return await _part(request, part, partial(parts[part], settings, form))

    async def _part(request: Request, name: str, read: Any) -> Response:
        try:
            context = await run_in_threadpool(read)
        except MarketingError as error:
            answer = console.pages.render(request, "_problem.html", {"problem": str(error)})
            if name == "add":  # the filter is not replaced
                answer.headers["HX-Retarget"] = "#count"
            return answer
        return console.pages.render(request, f"segments/_{name}.html", context)

    @requires(Permission.EXPORT)
    async def export(request: Request) -> Response:
        form = await request.form()
        return await exported(
            console, request, ["marketing", "segment", "--filter", _text(form, "filter")], "segment", "csv"
        )

    return [
        Route("/segments", page),
        Route("/segments", ask, methods=["POST"]),
        Route("/segments/matrix", matrix),
        Route("/segments/vocabulary", vocabulary),
        Route("/segments/export", export, methods=["POST"]),
    ]


def _certificates(settings: Settings) -> dict[str, Any]:
    """Return the certificate of each published axis, and why other schemes were refused."""
    record = linked(settings.paths.customers, read_record)
    part = record.parts.get("segments") if record else None
    if part is None or part.evaluation is None:
        return {"published": part, "certificates": [], "refusals": [], "measures": {}}
    found = part.evaluation
    rows = [row for row in found.tables.get("certificates", ()) if row["published"] == "yes"]
    return {
        "published": part,
        "certificates": [_certificate(row, part.as_of) for axis in AXES for row in rows if row["axis"] == axis],
        "refusals": [reason for reason in found.reasons if "refused" in reason or reason.startswith("No ")],
        "measures": found.measures,
    }


def _certificate(row: Any, as_of: date) -> Certificate:
    names = ("jaccard", "jaccard_worst", "kappa", "smallest_share", "spend_eta2", "mix_eta2")
    expires = date.fromisoformat(row["expires"]) if row.get("expires") else None
    has_expired = expires is not None and expires <= as_of
    return Certificate(row["axis"], row["scheme"], {name: row.get(name) for name in names}, expires, has_expired)


def _matrix(settings: Settings) -> dict[str, Any]:
    return {"matrix": segment_matrix(settings.paths.customers)}


def _vocabulary(settings: Settings) -> dict[str, Any]:
    found = _properties(settings)
    groups = {
        group: [one for one in found if one.group == group] for group in dict.fromkeys(one.group for one in found)
    }
    return {"groups": groups, "listed": LISTED_VALUES}


def _properties(settings: Settings) -> list[Property]:
    return properties(_read_vocabulary(settings.paths.customers.resolve()))


@lru_cache(maxsize=1)
def _read_vocabulary(folder: Path) -> Vocabulary:
    """Return the names and values of a publication; its folder never changes."""
    with open_scores(folder) as connection:
        return read_vocabulary(connection)


def _count(settings: Settings, form: FormData) -> dict[str, Any]:
    text = _text(form, "filter")
    folder = settings.paths.customers.resolve()
    found = select(folder, text, _read_vocabulary(folder))
    link = "/campaigns/new?" + urlencode({"filter": text})
    return {"count": len(found.customer_ids), "total": found.total, "share": found.share, "campaign_link": link}


def _compare(settings: Settings, form: FormData) -> dict[str, Any]:
    return {"found": compare(settings.paths.customers, _text(form, "filter"), _text(form, "second"))}


def _property(settings: Settings, form: FormData) -> dict[str, Any]:
    return {"property": _property_of(settings, form)}


def _add(settings: Settings, form: FormData) -> dict[str, Any]:
    asked = _property_of(settings, form)
    added = condition(asked, _text(form, "operator"), _text(form, "value"))
    return {"filter": with_condition(_text(form, "filter"), added)}


def _property_of(settings: Settings, form: FormData) -> Property:
    name = _text(form, "property")
    for one in _properties(settings):
        if one.name == name:
            return one
    raise MarketingError(f"The published scores have no property '{name}'. Choose one of the list.")


def _text(form: FormData, name: str) -> str:
    return str(form.get(name, "")).strip()
