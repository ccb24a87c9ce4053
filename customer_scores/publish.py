"""staged -> one published folder -> the link `current`; safe to kill anywhere and to run again.

The files are gathered in a folder of their own, which becomes the publication by one rename: no table is ever
published without the others. A part of the model that staged nothing keeps the files of the last publication, and the
record names their day.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq

from core.clock import utc_now
from core.files.atomic import (
    discard_folder,
    empty_folder,
    link_or_copy,
    move_link,
    remove_leftovers,
    staging_path,
    sync,
)
from core.files.hashes import file_sha256
from core.files.lock import exclusive_lock
from customer_scores.errors import StagedScoresError
from customer_scores.history import history_hash, write_history
from customer_scores.profiles import write_profiles
from customer_scores.publication import PublishedPart, ScoresPublication, publications, read_record, write_record
from customer_scores.staged import SCORE_AGAIN, StagedScores, read_manifest, staged_files
from settings import Settings

logger = logging.getLogger(__name__)

KEEP = 3
KEPT_FOR = timedelta(weeks=13)
"""How long the scores of a part stay if newer runs publish nothing for it."""
_READ_ONLY = 0o444


@dataclass(frozen=True)
class Published:
    """The outcome.

    Attributes:
        publication: The current publication.
        changed: False if this content is current already.
        kept: Parts that keep the files of an earlier publication.
        snapshots: Snapshots in the history of segments.
    """

    publication: ScoresPublication
    changed: bool
    kept: list[str]
    snapshots: int


def publish(settings: Settings, as_of: date) -> Published:
    """Publish the staged scores as those of `as_of`.

    Raises:
        StagedScoresError: The staged scores are missing, damaged or of another day; `current` is not changed.
    """
    staged, link = settings.paths.staged_customers, settings.paths.customers
    with exclusive_lock(link.parent):
        remove_leftovers(link.parent)
        scores = read_manifest(staged)
        if scores.as_of != as_of:
            raise StagedScoresError(
                f"The staged scores in {staged} are of {scores.as_of}, not of {as_of}. {SCORE_AGAIN}"
            )
        before = link.resolve() if link.is_symlink() and read_record(link.resolve()) else None
        published = _gather(link, scores, staged, before)
        _prune(link)
    return published


def _gather(link: Path, scores: StagedScores, staged: Path, before: Path | None) -> Published:
    earlier, files = read_record(before) if before else None, staged_files(staged)
    gathered = empty_folder(staging_path(link.parent / f"{scores.as_of}-scores"))
    parts: dict[str, PublishedPart] = {}
    for name, paths in files.items():
        for file in paths:
            link_or_copy(file, gathered / file.name)
        parts[name] = PublishedPart(
            as_of=scores.as_of,
            as_of_instant=scores.as_of_instant,
            model_version=scores.model_version,
            evaluation=scores.evaluations.get(name),
            rows={file.name: pq.read_metadata(file).num_rows for file in paths if file.suffix == ".parquet"},
            files={file.name: file_sha256(file) for file in paths},
        )
    absent = {} if earlier is None else {name: part for name, part in earlier.parts.items() if name not in parts}
    kept = {name: part for name, part in absent.items() if scores.as_of - part.as_of <= KEPT_FOR}
    for name, part in absent.items():
        if name not in kept:
            logger.warning("Nothing is staged for %s, and the scores of %s have expired.", name, part.as_of)
            continue
        logger.warning("Nothing is staged for %s, so the files of %s stay.", name, part.as_of)
        assert before is not None  # there is an earlier publication
        for file_name in part.files:
            link_or_copy(before / file_name, gathered / file_name)
    parts |= kept
    since = parts["segments"].as_of_instant if "segments" in parts else scores.as_of_instant
    snapshots = write_history(gathered, since, before, staged)
    write_profiles(gathered, parts)
    content = content_of(gathered, parts)
    name = f"{scores.as_of}-{content[:12]}"
    publication = ScoresPublication(
        name=name,
        as_of=scores.as_of,
        as_of_instant=scores.as_of_instant,
        content=content,
        model_version=scores.model_version,
        features=scores.features,
        parts=parts,
        published_at=utc_now(),
    )
    if (found := read_record(link.parent / name)) is not None:  # the same files and history: a killed or repeated run
        discard_folder(gathered)
        publication, changed = found, before is None or before.name != name
    else:
        finish(gathered, link.parent / name, publication)
        changed = True
    move_link(link, Path(name))
    return Published(publication, changed, sorted(kept), snapshots)


def content_of(gathered: Path, parts: Mapping[str, PublishedPart]) -> str:
    """Return a hash of the parts' files and of the history's rows."""
    said = {
        name: (str(part.as_of), part.model_version, sorted(part.files.items())) for name, part in sorted(parts.items())
    }
    history = history_hash(gathered)
    return hashlib.sha256(json.dumps([said, history]).encode()).hexdigest()


def finish(gathered: Path, target: Path, publication: ScoresPublication) -> None:
    """Write the record and make the gathered folder a publication, by one rename."""
    write_record(gathered, publication)
    for file in gathered.rglob("*"):
        if file.is_file():
            file.chmod(_READ_ONLY)
            sync(file)
    gathered.rename(target)
    sync(target.parent)


def _prune(link: Path) -> None:
    """Keep the newest publications, and always the one the link names."""
    current = link.readlink().name
    for publication in publications(link.parent)[KEEP:]:
        if publication.name != current:
            discard_folder(link.parent / publication.name)
