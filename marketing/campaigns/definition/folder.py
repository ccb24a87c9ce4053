"""Read the campaigns of a folder; one that cannot be used is left out, so that the others go on."""

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from marketing.campaigns.definition.campaign import Campaign
from marketing.campaigns.definition.file import CampaignFile, read_campaign, read_fields
from marketing.campaigns.definition.saved_audience import with_saved_audience
from marketing.campaigns.errors import DefinitionError
from marketing.errors import MarketingError

logger = logging.getLogger(__name__)

STATUSES = ("draft", "running", "stopped")


@dataclass(frozen=True)
class Unusable:
    """A campaign that was left out.

    Attributes:
        campaign: its id, which is the file's name without `.toml`.
        file: the file's name.
        problem: what is wrong with it, with the line if it is in the file.
    """

    campaign: str
    file: str
    problem: str


@dataclass
class UnusableCampaigns:
    """Collects the campaigns that cannot be used, while the others go on.

    Attributes:
        wanted: files that a person named; their errors are raised.
        found: the others that were left out, each once.
    """

    wanted: Collection[Path] = ()
    found: list[Unusable] = field(default_factory=list)

    @contextmanager
    def noted(self, path: Path) -> Iterator[None]:
        """Log an error of a campaign's file as a warning and keep it, unless the file is a wanted one.

        Raises:
            MarketingError: a wanted campaign cannot be used.
        """
        try:
            yield
        except MarketingError as error:
            if path in self.wanted:
                raise
            self.found.append(Unusable(path.stem, path.name, str(error)))
            logger.warning("Campaign '%s' is left out, the others go on: %s", path.stem, error)


def read_folder(
    folder: Path, audiences: Path, statuses: Collection[str], unusable: UnusableCampaigns
) -> list[CampaignFile]:
    """Read a folder's campaigns of some statuses, with their saved audiences, by id.

    Args:
        folder: of the campaigns' files; it need not exist.
        audiences: of the saved audiences.
        statuses: of the campaigns to read. A file whose status cannot be read is read too, so that its error is seen.
        unusable: gets the campaigns that cannot be used.
    """
    files, others = [], [status for status in STATUSES if status not in statuses]
    for path in sorted(folder.glob("*.toml")):
        if _status(path) in others:
            continue
        with unusable.noted(path):
            files.append(with_saved_audience(read_campaign(path), audiences))
    return files


def _status(path: Path) -> object:
    """Return the status that a file gives; None if it is not TOML."""
    try:
        return read_fields(path)[1].get("status", Campaign.model_fields["status"].default)
    except DefinitionError:
        return None
