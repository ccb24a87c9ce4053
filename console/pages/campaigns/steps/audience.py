"""Step 1: the customers, by segments and a rule of their own."""

from itertools import groupby
from typing import Any

from starlette.datastructures import FormData

from console.pages.campaigns.steps.forms import Fields, put, text
from console.pages.campaigns.steps.segment_filter import SegmentFilter, filter_fault, published_segments
from console.pages.campaigns.steps.step import Step, settle_audience
from marketing.errors import MarketingError
from settings import Settings


def filter_of(form: FormData) -> SegmentFilter:
    """Return the filter that a form composes."""
    picked: dict[str, list[str]] = {}
    for value in form.getlist("segment"):
        axis, _, name = str(value).partition("=")
        picked.setdefault(axis, []).append(name)
    return SegmentFilter(picked, text(form, "rule"))


def _apply(fields: Fields, form: FormData) -> None:
    put(fields, "audience", {"filter": filter_of(form).text})
    settle_audience(fields)


def _context(settings: Settings, fields: Fields) -> dict[str, Any]:
    found = SegmentFilter.of(str(dict(fields.get("audience") or {}).get("filter") or ""))
    try:
        segments, problem = published_segments(settings.paths.customers), None
    except MarketingError as error:
        segments, problem = [], str(error)
    axes = {axis: list(rows) for axis, rows in groupby(segments, key=lambda one: one.axis)}
    return {"filter": found, "axes": axes, "no_scores": problem}


def _faults(settings: Settings, fields: Fields) -> list[str]:
    text = dict(fields.get("audience") or {}).get("filter")
    fault = filter_fault(settings.paths.customers, str(text)) if text else None
    return [fault] if fault else []


STEP = Step("audience", "Customers", _apply, _context, _faults)
