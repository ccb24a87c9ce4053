"""Require that a staged plan passed its checks, from the results that `python -m quality plan` wrote."""

import json
from pathlib import Path

from marketing.campaigns.errors import CampaignError
from marketing.campaigns.plan.staged_plan import RECORD, PlanRecord

CHECKPOINT, RESULTS = "plan", "results.json"


def require_checked(quality: Path, folder: Path, record: PlanRecord) -> None:
    """Check that the newest results are of this plan, and that no critical expectation is broken.

    Args:
        quality: the folder of all results.
        folder: of the staged plan.
        record: its record.

    Raises:
        CampaignError: the plan was not checked since it was staged, or a critical expectation is broken.
    """
    file = quality / record.plan_id / CHECKPOINT / RESULTS
    command = f"'.venv/bin/python -m quality plan --campaign {record.campaign_id}'"
    try:
        results = json.loads(file.read_text())
        is_older = file.stat().st_mtime_ns < (folder / RECORD).stat().st_mtime_ns
    except FileNotFoundError:
        raise CampaignError(f"The plan {record.plan_id} was not checked. Run {command} first.") from None
    except (OSError, ValueError) as error:
        raise CampaignError(f"{file} cannot be read: {error}. Run {command} again.") from error
    if is_older:
        raise CampaignError(f"The plan {record.plan_id} was staged again after its check. Run {command} again.")
    broken = [found["name"] for found in results if not found["met"] and found["severity"] == "critical"]
    if broken:
        raise CampaignError(
            f"The plan {record.plan_id} breaks {', '.join(broken)}, so nothing was enqueued. Details: {file.parent}."
        )
