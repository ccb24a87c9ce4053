"""Write the lists that campaigns show, unless they are of the champion and the published features already."""

import logging
from typing import Any, cast

from core.files.lock import exclusive_lock
from features.publication import current_publication
from marketing.campaigns.content.lists import difference, present_record, read_record, wanted_lists
from marketing.campaigns.definition.folder import UnusableCampaigns, read_folder
from scoring.models.ranker import Slate
from settings import Settings

logger = logging.getLogger(__name__)


def recommend_for_campaigns(settings: Settings) -> dict[str, Any]:
    """Write the lists that campaigns show, unless they are of the champion and the published features already.

    Campaigns that are stopped need none; a draft may be tried at any time. A file that cannot be used gets a warning.

    Returns:
        The slates that were written, and those that were up to date.

    Raises:
        RunError: No version is deployed.
    """
    statuses = {"draft", "running"}
    files = read_folder(settings.campaigns_folder, settings.paths.audiences, statuses, UnusableCampaigns())
    wanted = wanted_lists([file.campaign for file in files])
    result: dict[str, list[str]] = {"written": [], "up_to_date": []}
    if not wanted:
        return result
    # The console, Airflow and the demo may write the lists at once. The later one then finds them up to date.
    with exclusive_lock(settings.paths.recommendations):
        for slate, count in wanted.items():
            written = _write_outdated(settings, slate, count)
            result["written" if written else "up_to_date"].append(slate)
    logger.info("Lists written: %s; up to date: %s", *(", ".join(names) or "none" for names in result.values()))
    return result


def _write_outdated(settings: Settings, slate: str, count: int) -> bool:
    """Write one slate's lists unless they are up to date, and return whether they were written."""
    file = settings.paths.recommendations / f"{slate}.parquet"
    found = read_record(file) if file.exists() else None
    if found is not None and difference(found, present_record(settings.paths, count)) is None:
        return False
    # Imported here, because most looks find no outdated list.
    from ml.steps.recommend import recommend

    recommend(settings, current_publication(settings.paths.features).as_of, cast(Slate, slate), count, file)
    return True
