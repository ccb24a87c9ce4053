"""Read all campaigns of the folder; a file that cannot be used is shown with its message."""

from dataclasses import dataclass

from console.pages.campaigns.definition.draft import ID
from console.pages.campaigns.definition.words import audience_in_words
from marketing.campaigns.definition.file import read_campaign
from marketing.campaigns.definition.saved_audience import with_saved_audience
from marketing.campaigns.errors import DefinitionError
from settings import Settings


@dataclass(frozen=True)
class Listed:
    """One campaign of the folder.

    Attributes:
        id: the file's name without its ending.
        has_page: whether the id can be an address.
        status: draft, running or stopped; None if the file cannot be used.
        goal: for people.
        audience: who gets it, in words.
        version: a hash of its definition.
        problems: why the file cannot be used.
    """

    id: str
    has_page: bool
    status: str | None
    goal: str = ""
    audience: str = ""
    version: str = ""
    problems: tuple[str, ...] = ()


def listed(settings: Settings) -> list[Listed]:
    """Return the campaigns: running ones first, then by id."""
    found = []
    for file in sorted(settings.campaigns_folder.glob("*.toml")):
        has_page = bool(ID.fullmatch(file.stem))
        try:
            read = with_saved_audience(read_campaign(file), settings.paths.audiences)
        except DefinitionError as error:
            found.append(Listed(file.stem, has_page, None, problems=tuple(error.problems)))
            continue
        campaign = read.campaign
        words = audience_in_words(campaign)
        found.append(Listed(file.stem, has_page, campaign.status, campaign.goal, words, read.version))
    order = ("running", None, "draft", "stopped")
    return sorted(found, key=lambda one: (order.index(one.status), one.id))
