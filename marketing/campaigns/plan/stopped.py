"""Leave stopped campaigns out of plans until a person lifts the stop."""

import logging
from collections.abc import Mapping, Sequence

from marketing.campaigns.definition.file import CampaignFile
from marketing.campaigns.errors import CampaignError
from outbox.sending.stop_rules import stop_by_rules
from outbox.store import Store
from outbox.switches import stopped_campaigns

logger = logging.getLogger(__name__)


def stopped_now(store: Store, is_dry: bool) -> dict[str, str]:
    """Return the reason of each stopped campaign; a plan for real first stops those that exceed their limits.

    Raises:
        StoreError: the outbox cannot be used.
    """
    if not is_dry:
        stop_by_rules(store)
    return stopped_campaigns(store)


def without_stopped(files: Sequence[CampaignFile], stopped: Mapping[str, str]) -> list[CampaignFile]:
    """Return the campaigns that are not stopped, and log why the others are left out."""
    for file in files:
        if file.campaign.id in stopped:
            logger.warning("%s", _sentence(file.campaign.id, stopped))
    return [file for file in files if file.campaign.id not in stopped]


def require_not_stopped(campaign_id: str, stopped: Mapping[str, str]) -> None:
    """Check that a campaign may be planned.

    Raises:
        CampaignError: it is stopped; the message gives the reason and the command that lifts the stop.
    """
    if campaign_id in stopped:
        raise CampaignError(_sentence(campaign_id, stopped))


def _sentence(campaign_id: str, stopped: Mapping[str, str]) -> str:
    return (
        f"Campaign '{campaign_id}' is stopped and plans nothing: {stopped[campaign_id].rstrip('.')}. "
        f"'.venv/bin/python -m outbox restart {campaign_id}' lifts the stop."
    )
