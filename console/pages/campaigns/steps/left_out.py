"""Step 3: the customers who would get no message, by reason, from a dry run."""

from typing import Any

from console.pages.campaigns.steps.forms import Fields
from console.pages.campaigns.steps.step import Step
from marketing.campaigns.plan.reasons import MEANINGS
from settings import Settings


def _context(_: Settings, __: Fields) -> dict[str, Any]:
    return {"meanings": {str(reason): meaning for reason, meaning in MEANINGS.items()}}


STEP = Step("left-out", "Left out", context=_context)
