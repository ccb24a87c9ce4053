"""Show what somebody else changed, and what was not saved."""

from starlette.requests import Request
from starlette.responses import Response

from console.pages.campaigns.definition.draft import ChangedError
from console.pages.campaigns.trial.differences import changed_lines
from console.web.console import Console


def conflict_page(console: Console, request: Request, error: ChangedError) -> Response:
    """Return the page for a change that met another one, with status 409."""
    context = {
        "now": error.now,
        "text": error.text,
        "problem": str(error),
        "lines": list(changed_lines(error.now.text, error.text)),
    }
    return console.pages.render(request, "campaigns/conflict.html", context, status=409)
