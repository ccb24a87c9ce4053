"""Open the published audiences once for all pages."""

from functools import lru_cache
from pathlib import Path

from marketing.audience.answer import open_index
from marketing.audience.index import AudienceIndex
from marketing.audience.scorers import AudienceModel
from settings import Settings


def opened_audiences(settings: Settings) -> tuple[AudienceIndex, AudienceModel]:
    """Return the index and the scorers of the present publication.

    Raises:
        ScoresError: they are missing or cannot be read.
    """
    return _opened(settings.paths.customers.resolve())


@lru_cache(maxsize=1)
def _opened(folder: Path) -> tuple[AudienceIndex, AudienceModel]:
    """Open a publication once; its folder never changes."""
    return open_index(folder)
