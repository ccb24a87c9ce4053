"""A publication of customers' scores: one folder of files that never change, and the link that names the current one.

<data>/customers/staged/                    what was scored last: the checks read it
<data>/customers/2018-01-01-3f2a9c0b1d4e/   a publication: the files, publication.json, the history of segments, and
                                            profiles/: the tables from which the online store is filled
<data>/customers/current -> 2018-01-01-…    moved in one atomic step
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path

from core.files.atomic import replace_file
from core.files.publication import RECORD, linked, newest_first, read_fields
from customer_scores.errors import ScoresNotPublishedError
from customer_scores.staged import Evaluation

PROFILES = "profiles"
PUBLISH = "Run the DAG score_customers."


@dataclass(frozen=True)
class PublishedPart:
    """The files of one part of the model.

    Attributes:
        as_of: The day before which all data of the files lies; earlier than the publication's if a later
            run had nothing to publish for this part.
        as_of_instant: The UTC instant (naive) at which that day begins.
        model_version: The version of the customer model that made the files.
        evaluation: How the part was evaluated; None if the model has no record.
        rows: Rows by table; a file that is not a table has none.
        files: SHA-256 by file.
    """

    as_of: date
    as_of_instant: datetime
    model_version: str
    evaluation: Evaluation | None
    rows: Mapping[str, int]
    files: Mapping[str, str]


@dataclass(frozen=True)
class ScoresPublication:
    """The record of one folder of published scores.

    Attributes:
        name: The folder's name: the day and the first 12 hex digits of `content`.
        as_of: The day of the scores that were published last.
        as_of_instant: The UTC instant (naive) at which that day begins.
        content: A hash of all files.
        model_version: The version of the customer model that scored last.
        features: The publication of feature tables that was scored.
        parts: By name, the parts of the model with their files.
        published_at: When it was published (naive UTC).
    """

    name: str
    as_of: date
    as_of_instant: datetime
    content: str
    model_version: str
    features: str
    parts: Mapping[str, PublishedPart]
    published_at: datetime


def write_record(folder: Path, publication: ScoresPublication) -> None:
    """Write the record next to the files."""
    replace_file(folder / RECORD, json.dumps(asdict(publication), default=str, indent=2) + "\n")


def read_record(folder: Path) -> ScoresPublication | None:
    """Return the record of a folder, or None if it is not a publication."""
    if (fields := read_fields(folder)) is None:
        return None
    parts = {
        name: PublishedPart(
            as_of=date.fromisoformat(part["as_of"]),
            as_of_instant=datetime.fromisoformat(part["as_of_instant"]),
            model_version=part["model_version"],
            evaluation=None if part["evaluation"] is None else Evaluation.from_fields(part["evaluation"]),
            rows=part["rows"],
            files=part["files"],
        )
        for name, part in fields["parts"].items()
    }
    return ScoresPublication(
        name=fields["name"],
        as_of=date.fromisoformat(fields["as_of"]),
        as_of_instant=datetime.fromisoformat(fields["as_of_instant"]),
        content=fields["content"],
        model_version=fields["model_version"],
        features=fields["features"],
        parts=parts,
        published_at=datetime.fromisoformat(fields["published_at"]),
    )


def publications(customers: Path) -> list[ScoresPublication]:
    """Return all publications below the folder, newest first."""
    return newest_first(customers, read_record)


def current_publication(link: Path) -> ScoresPublication:
    """Return the publication that the link names.

    Raises:
        ScoresNotPublishedError: Nothing is published.
    """
    publication = linked(link, read_record)
    if publication is None:
        raise ScoresNotPublishedError(f"No scores of customers are published at {link}. {PUBLISH}")
    return publication
