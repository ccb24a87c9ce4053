"""Write the lists that campaigns show, unless they are of the champion and the published features already."""

import logging
from typing import Any, cast

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
    for slate, count in wanted.items():
        file = settings.paths.recommendations / f"{slate}.parquet"
        found = read_record(file) if file.exists() else None
        if found is not None and difference(found, present_record(settings.paths, count)) is None:
            result["up_to_date"].append(slate)
            continue
        # Imported here, because most looks find no outdated list.
        from ml.steps.recommend import recommend

        day = current_publication(settings.paths.features).as_of
        recommend(settings, day, cast(Slate, slate), count, file)
        result["written"].append(slate)
    logger.info("Lists written: %s; up to date: %s", *(", ".join(names) or "none" for names in result.values()))
    return result
