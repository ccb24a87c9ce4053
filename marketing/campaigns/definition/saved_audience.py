"""Fill in the item and the limits of the saved audience that a campaign names."""

from dataclasses import replace
from pathlib import Path

from marketing.audience.saved import read_saved
from marketing.campaigns.definition.file import CampaignFile
from marketing.campaigns.errors import DefinitionError
from marketing.errors import AudienceError

FIELDS = {"category": "category", "product": "products", "coupon": "coupon"}
"""The field of `[audience]` for each kind of question."""


def with_saved_audience(file: CampaignFile, folder: Path) -> CampaignFile:
    """Return the campaign with its saved audience filled in; the same one if it names none.

    The filled-in fields belong to the definition, so another question under the same name is a new version.

    Args:
        file: the campaign.
        folder: of the saved audiences.

    Raises:
        DefinitionError: no audience is saved under the name, or its file cannot be used.
    """
    wanted = file.campaign.audience
    if wanted.saved is None:
        return file
    try:
        question = read_saved(folder, wanted.saved)
    except AudienceError as error:
        problem = file.error(("audience", "saved"), f"audience.saved = '{wanted.saved}': {error}")
        raise DefinitionError(file.path.name, [problem]) from error
    ids, limits = tuple(question.ids), question.limits
    filled = {
        FIELDS[question.kind]: ids if question.kind == "product" else ids[0],
        "buyers": limits.buyers,
        "size": limits.size,
        "min_probability": limits.least_probability,
    }
    audience = wanted.model_copy(update=filled)
    return replace(file, campaign=file.campaign.model_copy(update={"audience": audience}))
