"""Hold the published tables of audiences and offers, and open the next publication when the link moves."""

import logging
from dataclasses import dataclass
from pathlib import Path

from customer_scores.publication import ScoresPublication, current_publication
from feature_store.online.follower import StoreFollower
from marketing.audience.index import AudienceIndex
from marketing.audience.scorers import AudienceModel

logger = logging.getLogger("reach.serving")


@dataclass(frozen=True)
class OpenedScores:
    """Hold one publication.

    Attributes:
        folder: Its folder, which never changes.
        publication: Its record.
        index: The customers and the memory-mapped past buyers of each item.
        model: The scorers of audiences.
    """

    folder: Path
    publication: ScoresPublication
    index: AudienceIndex
    model: AudienceModel


class PublishedScores:
    """Return the current publication; one object serves all threads of a process.

    One thread opens the next publication while the others answer from the last one. A publication that cannot be opened
    is logged once, and the last one stays.

    Args:
        link: The link that names the current publication.
    """

    def __init__(self, link: Path):
        self._link = link
        self._last: OpenedScores | None = None
        self._follower = StoreFollower(link, self._open)

    def current(self) -> OpenedScores:
        """Return the opened publication.

        Raises:
            ScoresNotPublishedError: Nothing is published (of customer_scores.errors).
            ScoresError: The publication has no audiences, or cannot be read (of marketing.errors).
        """
        return self._follower.current()

    def _open(self) -> OpenedScores:
        try:
            publication = current_publication(self._link)
            folder = self._link.parent / publication.name
            self._last = OpenedScores(folder, publication, AudienceIndex.open(folder), AudienceModel.read(folder))
        except Exception as error:
            if self._last is None:
                raise
            logger.error("The published scores cannot be opened; %s stay. %s", self._last.publication.name, error)
        return self._last
