"""Collect the endpoints of all pages of campaigns."""

from starlette.routing import Route

from console.pages.campaigns import edit, live, one, operate, overview, past, text_file, together, try_out
from console.pages.campaigns.trial.trials import Trials
from console.web.console import Console


def endpoints(console: Console) -> list[Route]:
    """Return the endpoints; fixed addresses come before those with a campaign's id."""
    trials = Trials(console.commands)
    return [
        *overview.endpoints(console),
        *past.endpoints(console),
        *together.endpoints(console),
        *try_out.endpoints(console, trials),
        *live.endpoints(console),
        *operate.endpoints(console),
        *text_file.endpoints(console),
        *one.endpoints(console),
        *edit.endpoints(console, trials),
    ]
