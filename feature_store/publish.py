"""staged -> one published folder -> the link `current`; safe to kill anywhere and to run again.

The staged files stay where they are, because the warehouse's views read them at any time. A publication holds hard
links to them, so nothing is copied, and dbt replaces a staged file by another one and never writes into it. The
links are gathered in a folder of their own, which becomes the publication by one rename: no table is ever published
without the others. A crash can leave a publication without the link (the next run points it there), or a
folder that is not yet, or no longer, a publication (swept by the next run).
"""

import json
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

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
from core.files.lock import exclusive_lock
from core.held import Held
from feature_repo.sources import feature_sources
from feature_repo.views import feature_views
from feature_store.staged import check_staged, content_hash, staged_tables
from features.errors import NotPublishedError
from features.publication import Publication, publications, read_record, write_record
from settings import Settings

KEEP = 3
_READ_ONLY = 0o444


@dataclass(frozen=True)
class Published:
    """The outcome.

    Attributes:
        publication: The current publication.
        changed: False if this content was published before.
    """

    publication: Publication
    changed: bool


@dataclass(frozen=True)
class PublicationDate:
    """The day of the staged tables, the UTC instant it starts, and which purchases the tables hold."""

    as_of: date
    instant: datetime
    held: Held | None


def publish(settings: Settings, as_of: date) -> Published:
    """Publish the staged feature tables as those of `as_of`.

    Tables that are staged for another day leave the newest publication of `as_of` the current one.

    Raises StagedFeaturesError if a table is missing or wrong, NotPublishedError if nothing of that day is staged or
    was published; in both cases `current` is not changed.
    """
    folder, link = settings.paths.staged_features, settings.paths.features
    views = feature_views(feature_sources(folder), timedelta(weeks=settings.snapshot_weeks))
    day = PublicationDate(as_of, settings.start_of_day(as_of), _held(settings.paths.admitted, as_of))
    with exclusive_lock(link.parent):
        remove_leftovers(link.parent)
        before = _published_before(link.parent, as_of)
        rows = check_staged(folder, views, day.instant, before is not None) if staged_tables(folder) else None
        if rows is not None:
            result = _publish_staged(folder, link, day, rows)
        elif before is not None:
            result = Published(before, changed=False)
            move_link(link, Path(before.name))
        else:
            raise NotPublishedError(
                f"Nothing is staged in {folder} and nothing of {as_of} was published before. Run dbt build first."
            )
        _restore_views(folder, link)
        _prune(link)
    return result


def _publish_staged(folder: Path, link: Path, day: PublicationDate, rows: dict[str, int]) -> Published:
    content = content_hash(folder, list(rows))
    name = f"{day.as_of}-{content[:12]}"
    target = link.parent / name
    now = utc_now()
    publication = Publication(name, day.as_of, day.instant, content, rows, now, day.held)
    before = read_record(target)
    if before is not None:
        # The same rows: what arrived since the first collection is still not in them.
        publication = replace(publication, held=before.held)
        if before == _published_before(link.parent, day.as_of):
            publication = before
        else:
            write_record(target, publication)  # the newest of the day again
        move_link(link, Path(name))
        return Published(publication, changed=False)
    gathered = empty_folder(staging_path(target))
    for table in rows:
        link_or_copy(folder / f"{table}.parquet", gathered / f"{table}.parquet")
    write_record(gathered, publication)
    for file in gathered.iterdir():
        file.chmod(_READ_ONLY)
        sync(file)
    gathered.rename(target)
    sync(link.parent)
    move_link(link, Path(name))
    return Published(publication, changed=True)


def _restore_views(folder: Path, link: Path) -> None:
    """Show the current publication in the warehouse's views if the staging folder is empty."""
    folder.mkdir(exist_ok=True)  # dbt writes into it and does not make it
    if not staged_tables(folder):
        for file in link.resolve().glob("*.parquet"):
            link_or_copy(file, folder / file.name)


def _held(admitted: Path, as_of: date) -> Held | None:
    """Return which purchases the landing's tables of that day hold; None if the admission did not record it."""
    try:
        manifest = json.loads((admitted / "manifest.json").read_text())
    except FileNotFoundError:
        return None
    return Held.from_fields(manifest) if manifest.get("as_of") == str(as_of) else None


def _published_before(features: Path, as_of: date) -> Publication | None:
    """Return the newest publication of a day, or None."""
    return next((publication for publication in publications(features) if publication.as_of == as_of), None)


def _prune(link: Path) -> None:
    """Keep the newest publications, and always the one the link names."""
    current = link.readlink().name
    for publication in publications(link.parent)[KEEP:]:
        if publication.name != current:
            discard_folder(link.parent / publication.name)
