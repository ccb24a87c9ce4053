"""Announce experiments: from then on their definition, salt and time are fixed, and the service follows them.

The folder has one JSON file per experiment, also of those that are over, because an id names one experiment forever.
"""

import json
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, ValidationError

from core.clock import utc_now
from core.files.atomic import replace_file
from core.files.lock import exclusive_lock
from online_experiments.definition.experiment import Experiment
from online_experiments.errors import AnnouncementError
from settings import Settings

SALT_BYTES = 16


class Announcement(BaseModel):
    """One announced experiment. All instants are naive UTC.

    Attributes:
        experiment: The definition as it was announced.
        salt: The salt of its assignment, in hexadecimal digits.
        announced_at: When it was announced.
        announced_by: The person who announced it.
        starts_at: From when on answers belong to it.
        ends_at: Until when, unless it is stopped before.
        stopped_at: When it was stopped; None if it was not.
        stopped_by: The person or program that stopped it.
        stop_reason: The reason for the stop.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    experiment: Experiment
    salt: str
    announced_at: datetime
    announced_by: str
    starts_at: datetime
    ends_at: datetime
    stopped_at: datetime | None = None
    stopped_by: str | None = None
    stop_reason: str | None = None

    @property
    def id(self) -> str:
        """Return the experiment's id."""
        return self.experiment.id

    @property
    def until(self) -> datetime:
        """Return the instant at which it is over."""
        return self.ends_at if self.stopped_at is None else min(self.ends_at, self.stopped_at)

    def is_running(self, now: datetime) -> bool:
        """Return whether answers of an instant belong to it."""
        return self.starts_at <= now < self.until

    def is_over(self, now: datetime) -> bool:
        """Return whether no later answer can belong to it."""
        return now >= self.until

    def state(self, now: datetime) -> str:
        """Return `waiting`, `running`, `ended` or `stopped`."""
        if self.stopped_at is not None:
            return "stopped"
        if now < self.starts_at:
            return "waiting"
        return "running" if now < self.ends_at else "ended"


def announce(settings: Settings, experiment: Experiment, by: str) -> Announcement:
    """Announce an experiment, so that the service follows it within a second.

    Raises:
        AnnouncementError: Its id is taken, its start has passed, or another experiment is in the way.
    """
    folder = settings.paths.announced_experiments
    with exclusive_lock(folder):
        announcement = prepare(settings, experiment, by)
        _write(folder, announcement)
    return announcement


def prepare(settings: Settings, experiment: Experiment, by: str) -> Announcement:
    """Return the announcement that `announce` would write, after the same checks.

    Raises:
        AnnouncementError: Its id is taken, its start has passed, or another experiment is in the way.
    """
    now = utc_now()
    starts_at = now
    if experiment.starts is not None:
        starts_at = settings.start_of_day(experiment.starts)
        if starts_at < now:
            raise AnnouncementError(
                f"Experiment '{experiment.id}' starts on {experiment.starts}, which has begun. Name a later day, or "
                "leave starts out to begin now."
            )
    first_day = starts_at.replace(tzinfo=UTC).astimezone(ZoneInfo(settings.timezone)).date()
    announcement = Announcement(
        experiment=experiment,
        salt=secrets.token_hex(SALT_BYTES),
        announced_at=now,
        announced_by=by,
        starts_at=starts_at,
        ends_at=settings.start_of_day(first_day + timedelta(days=experiment.longest_days)),
    )
    _check(announcement, read_announcements(settings.paths.announced_experiments))
    return announcement


def stop(settings: Settings, experiment_id: str, reason: str, by: str) -> Announcement:
    """Stop an experiment: from now on its customers get the champion's lists.

    Raises:
        AnnouncementError: It is not announced, or is over.
    """
    folder, now = settings.paths.announced_experiments, utc_now()
    with exclusive_lock(folder):
        found = read_announcement(folder, experiment_id)
        if found.is_over(now):
            raise AnnouncementError(f"Experiment '{experiment_id}' is over since {found.until} UTC.")
        stopped = found.model_copy(update={"stopped_at": now, "stopped_by": by, "stop_reason": reason})
        _write(folder, stopped)
    return stopped


def read_announcements(folder: Path) -> list[Announcement]:
    """Return all announced experiments by id; none if the folder is missing.

    Raises:
        AnnouncementError: A file cannot be read.
    """
    return [_read(file) for file in sorted(folder.glob("*.json"))]


def read_announcement(folder: Path, experiment_id: str) -> Announcement:
    """Return one announced experiment.

    Raises:
        AnnouncementError: It is not announced, or its file cannot be read.
    """
    known = {file.stem: file for file in folder.glob("*.json")}
    if experiment_id not in known:
        raise AnnouncementError(
            f"No experiment '{experiment_id}' is announced. Announced: {', '.join(sorted(known)) or 'none'}."
        )
    return _read(known[experiment_id])


def _check(new: Announcement, announced: Iterable[Announcement]) -> None:
    """Raise AnnouncementError if another experiment is in the way of a new one."""
    others = list(announced)
    if before := next((other for other in others if other.id == new.id), None):
        raise AnnouncementError(
            f"An experiment '{new.id}' was announced on {before.announced_at:%Y-%m-%d}, and an id names one "
            "experiment. Give the file and its id another name."
        )
    for other in others:
        if other.until <= new.starts_at or new.ends_at <= other.starts_at:
            continue
        name = f"'{other.id}', which runs until {other.until} UTC"
        one, two = new.experiment, other.experiment
        if one.layer == two.layer and max(one.slots[0], two.slots[0]) < min(one.slots[1], two.slots[1]):
            raise AnnouncementError(
                f"Experiment '{new.id}' has the slots {list(one.slots)} of layer '{one.layer}', and so has {name} "
                f"({list(two.slots)}). Choose free slots, or stop the other."
            )
        if one.layer != two.layer and (both := one.changes & two.changes):
            raise AnnouncementError(
                f"Experiment '{new.id}' in layer '{one.layer}' changes {', '.join(sorted(both))}, and so does {name}, "
                f"in layer '{two.layer}'. Put both into one layer with different slots."
            )
        if one.versions and two.versions and one.versions != two.versions:
            raise AnnouncementError(
                f"Experiment '{new.id}' serves version {min(one.versions)}, and {name}, serves {min(two.versions)}. "
                "One version next to the champion fits into memory. Wait, or stop the other."
            )


def _write(folder: Path, announcement: Announcement) -> None:
    replace_file(folder / f"{announcement.id}.json", announcement.model_dump_json(indent=2) + "\n")


def _read(file: Path) -> Announcement:
    try:
        return Announcement.model_validate_json(file.read_bytes())
    except (OSError, ValidationError, json.JSONDecodeError) as error:
        raise AnnouncementError(f"{file} cannot be read: {error}. Restore it from a backup, or remove it.") from error
