"""Stop a campaign whose measurement shows harm at an announced look."""

import json
import logging
from pathlib import Path
from typing import Any

from experiments.verdict import Outcome
from marketing.measurement.measure import CampaignResult
from marketing.measurement.stored import StoredCampaign
from outbox.store import Store
from outbox.switches import stop_campaign, stopped_campaigns

logger = logging.getLogger(__name__)


def stop_on_harm(store: Store, campaign: StoredCampaign, result: CampaignResult, earlier: Path) -> dict[str, Any]:
    """Stop the campaign if its primary metric shows harm at a look that has not stopped it before.

    A person who restarts the campaign lets it continue until the next look.

    Args:
        store: the opened outbox.
        campaign: the campaign as the outbox keeps it.
        result: its measurement.
        earlier: the file of its last result, which names the look that stopped it.

    Returns:
        `stopped_at_look`: the last look that stopped it, or None; `stopped`: why it is stopped now, or None.

    Raises:
        StoreError: The outbox cannot be used; nothing was stopped.
    """
    campaign_id, look = result.announcement.campaign_id, _stopped_at_look(earlier)
    verdict = result.verdicts.get(result.announcement.metric)
    if (
        campaign.stops_on_harm
        and verdict is not None
        and verdict.outcome is Outcome.HARM
        and verdict.look > (look or 0)
    ):
        waited = stop_campaign(store, campaign_id, verdict.sentence)
        look = verdict.look
        logger.warning(
            "Campaign %s is stopped, and %d of its messages do not leave: %s", campaign_id, waited, verdict.sentence
        )
    return {"stopped_at_look": look, "stopped": stopped_campaigns(store).get(campaign_id)}


def _stopped_at_look(earlier: Path) -> int | None:
    try:
        found = json.loads(earlier.read_text()).get("stopped_at_look")
    except (OSError, ValueError, AttributeError):
        return None
    return found if isinstance(found, int) else None
