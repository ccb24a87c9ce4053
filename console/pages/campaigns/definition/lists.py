"""Name the command that writes a campaign's lists of products, if they are missing or outdated."""

from collections.abc import Sequence
from dataclasses import dataclass

from console.pages.campaigns.definition.draft import Draft
from features.errors import NotPublishedError
from marketing.campaigns.content.lists import lists_problem
from marketing.campaigns.errors import DefinitionError
from registry.errors import RegistryError
from settings import Settings

WRITE_LISTS = ("ml", "recommend", "--for-campaigns")
"""Arguments of `python -m`; the command writes only lists that are missing or outdated."""


@dataclass(frozen=True)
class ListsFirst:
    """Name the commands that have to run before a campaign is planned.

    Attributes:
        reason: why, as a sentence; None if nothing has to run.
        steps: the arguments of the commands; empty if nothing has to run.
    """

    reason: str | None = None
    steps: Sequence[Sequence[str]] = ()


def lists_first(settings: Settings, draft: Draft) -> ListsFirst:
    """Return the commands that have to run before a plan; none for a file that cannot be used."""
    try:
        reason = lists_problem(settings.paths, draft.checked().campaign)
    except DefinitionError:
        return ListsFirst()  # the plan names the mistakes
    except (NotPublishedError, RegistryError) as error:
        reason = str(error)
    return ListsFirst(reason, (WRITE_LISTS,)) if reason else ListsFirst()
