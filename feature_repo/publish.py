"""staged -> one published folder -> the link `current`; safe to kill anywhere and to run again.

The whole staging folder becomes the publication by one rename, so no table is ever published without the others
and nothing is copied. What a crash can leave: a publication without the link (the next run finds nothing staged
and finishes with the newest publication of the day), or a trash folder (swept by the next run).
"""

import json
import os
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from feast import FeatureView

from feature_repo.errors import NotPublishedError
from feature_repo.locks import only_writer
from feature_repo.publication import Publication, publications, read_record, write_record
from feature_repo.sources import feature_sources
from feature_repo.staged import check_staged, content_hash, staged_tables
from feature_repo.views import feature_views
from settings import Settings

KEEP = 3
_TRASH = ".trash-"


@dataclass(frozen=True)
class Published:
    """The outcome. changed: False if this content was published before."""

    publication: Publication
    changed: bool


@dataclass(frozen=True)
class Day:
    """The day of the staged tables, the UTC instant it starts, and when the data behind them was collected."""

    as_of: date
    instant: datetime
    collected_at: datetime | None


def publish(settings: Settings, as_of: date) -> Published:
    """Publish the staged feature tables as those of `as_of`.

    Raises StagedFeaturesError if a table is missing or wrong, NotPublishedError if nothing is staged and nothing
    of that day was published; either way `current` stays as it is.
    """
    staged, link = settings.paths.staged_features, settings.paths.features
    views = feature_views(feature_sources(staged), timedelta(weeks=settings.snapshot_weeks))
    with only_writer(link.parent):
        _sweep(link.parent)
        if staged_tables(staged):
            day = Day(as_of, settings.start_of_day(as_of), _collected_at(settings.paths.admitted, as_of))
            result = _publish_staged(staged, link, day, views)
        else:
            result = Published(_published_before(link.parent, as_of), changed=False)
            _point(link, result.publication.name)
        staged.mkdir(exist_ok=True)  # dbt writes into it and does not make it
        _prune(link)
    return result


def _publish_staged(staged: Path, link: Path, day: Day, views: list[FeatureView]) -> Published:
    rows = check_staged(staged, views, day.instant)
    content = content_hash(staged, list(rows))
    name = f"{day.as_of}-{content[:12]}"
    target = link.parent / name
    now = datetime.now(UTC).replace(tzinfo=None)
    publication = Publication(name, day.as_of, day.instant, content, rows, now, day.collected_at)
    before = read_record(target)
    if before is not None:
        # The same rows: what arrived since the first collection is still not in them.
        publication = replace(publication, collected_at=before.collected_at)
        # The staged tables go last: killed before, the next run finds them and comes here again; killed after, it
        # finds this publication as the newest of the day.
        write_record(target, publication)
        _point(link, name)
        _discard(staged)
        return Published(publication, changed=False)
    write_record(staged, publication)
    for file in staged.iterdir():
        _flush(file)
    staged.rename(target)
    _flush(link.parent)
    _point(link, name)
    return Published(publication, changed=True)


def _collected_at(admitted: Path, as_of: date) -> datetime | None:
    """When the landing's tables of that day were collected; None if the admission does not say."""
    try:
        manifest = json.loads((admitted / "manifest.json").read_text())
    except FileNotFoundError:
        return None
    if manifest.get("as_of") != str(as_of) or not manifest.get("collected_at"):
        return None
    return datetime.fromisoformat(manifest["collected_at"])


def _published_before(features: Path, as_of: date) -> Publication:
    for publication in publications(features):
        if publication.as_of == as_of:
            return publication
    raise NotPublishedError(
        f"Nothing is staged in {features / 'staged'} and nothing of {as_of} was published before. Run dbt build first."
    )


def _point(link: Path, name: str) -> None:
    """Move the link in one step; readers see the old publication or the new one."""
    fresh = link.with_name(f".{link.name}-{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(name)
    fresh.replace(link)
    _flush(link.parent)


def _prune(link: Path) -> None:
    """Keep the newest publications, and always the one the link names."""
    current = link.readlink().name
    for publication in publications(link.parent)[KEEP:]:
        if publication.name != current:
            _discard(link.parent / publication.name)


def _discard(folder: Path) -> None:
    """Delete a folder that nobody may take for a publication while it is half deleted."""
    trash = folder.with_name(f"{_TRASH}{os.getpid()}-{folder.name}")
    folder.rename(trash)
    shutil.rmtree(trash)


def _sweep(features: Path) -> None:
    for leftover in features.glob(f"{_TRASH}*"):
        shutil.rmtree(leftover)
    for leftover in features.glob(".current-*"):
        leftover.unlink()


def _flush(path: Path) -> None:
    """Force a file or folder to disk, so that the link never outlives what it names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
