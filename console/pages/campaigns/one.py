"""Show one campaign: its definition, its plans, its messages, and what it changed."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.pages.campaigns.definition.draft import draft_of
from console.pages.campaigns.definition.words import (
    audience_in_words,
    experiment_in_words,
    schedule_in_words,
    slots_in_words,
)
from console.pages.campaigns.outcome.counts import counts_of
from console.pages.campaigns.outcome.results import picture_of, result_of
from console.web.console import Console
from marketing.campaigns.definition.file import CampaignFile
from marketing.campaigns.errors import DefinitionError
from marketing.campaigns.plan.reasons import MEANINGS


def endpoints(console: Console) -> list[Route]:
    """Return the endpoints of one campaign's page."""
    settings = console.settings

    async def show(request: Request) -> Response:
        draft = await run_in_threadpool(draft_of, settings, request.path_params["campaign_id"])
        try:
            file, problems = draft.checked(), []
        except DefinitionError as error:
            file, problems = None, error.problems
        result = await run_in_threadpool(result_of, settings, draft.id)
        context = {
            "draft": draft,
            "campaign": file.campaign if file else None,
            "version": file.version if file else None,
            "words": _words(file) if file else [],
            "problems": problems,
            "result": result,
            "picture": picture_of(result) if result else None,
        }
        return console.pages.render(request, "campaigns/one.html", context)

    async def counts(request: Request) -> Response:
        """Return the outbox's part, which takes longer the more messages there are."""
        draft = await run_in_threadpool(draft_of, settings, request.path_params["campaign_id"])
        found, paused = await run_in_threadpool(counts_of, settings, draft.id)
        meanings = {str(reason): meaning for reason, meaning in MEANINGS.items()}
        try:
            file = draft.checked()
            version, limits = file.version, file.campaign.stop
        except DefinitionError:
            version, limits = None, None
        context = {"draft": draft, "counts": found, "paused": paused, "meanings": meanings, "version": version}
        context["stop"] = limits
        return console.pages.render(request, "campaigns/_counts.html", context)

    return [Route("/campaigns/{campaign_id}", show), Route("/campaigns/{campaign_id}/counts", counts)]


def _words(file: CampaignFile) -> list[tuple[str, Any]]:
    campaign = file.campaign
    texts = ", ".join(f"{one.name} ({one.filter or 'everybody else'})" for one in campaign.content)
    return [
        ("Audience", audience_in_words(campaign)),
        ("When", schedule_in_words(campaign.schedule, campaign.trigger)),
        ("Message", f"{campaign.channel}, {campaign.message_class}, for the purpose {campaign.purpose}"),
        ("Texts", texts),
        ("Slots", " ".join(slots_in_words(campaign))),
        ("Measured", experiment_in_words(campaign)),
    ]
