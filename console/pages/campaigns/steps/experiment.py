"""Step 6: the hold-out, the primary metric, and the days on which results are looked at."""

from datetime import date, timedelta
from typing import Any, get_args

from starlette.datastructures import FormData

from console.pages.campaigns.steps.forms import Fields, day_of, percent, put, text, words
from console.pages.campaigns.steps.step import Step
from core.clock import utc_now
from marketing.campaigns.definition.campaign import Experiment
from settings import Settings

WEEKLY = {"4": 4, "8": 8}
"""Weekly looks that a person can choose at once, in weeks."""


def _apply(fields: Fields, form: FormData) -> None:
    looks: list[Any] = [day_of(word) for word in words(form, "looks")]
    if weeks := WEEKLY.get(text(form, "weekly")):
        starts = dict(fields.get("schedule") or {}).get("starts")
        first = starts if isinstance(starts, date) else utc_now().date() + timedelta(days=1)
        looks = [first + timedelta(weeks=week) for week in range(1, weeks + 1)]
    elif text(form, "weekly") == "none":
        looks = []
    put(
        fields,
        "experiment",
        {"holdout": percent(form, "holdout"), "metric": text(form, "metric"), "looks": looks},
    )


def _context(_: Settings, __: Fields) -> dict[str, Any]:
    return {"metrics": get_args(Experiment.model_fields["metric"].annotation), "default": Experiment()}


STEP = Step("experiment", "Hold-out", _apply, _context)
