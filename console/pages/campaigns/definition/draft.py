"""Read and write a campaign's file; a file that somebody else changed first is never overwritten.

The console writes the form that `written` gives. It edits only files of exactly this form by forms, because any other
form has something that a form would lose, such as a comment. Those files are edited as text.
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tomli_w

from console.errors import ConflictError, NotFoundError
from console.pages.campaigns.definition.edits import editor_of, record_edit
from core.files.atomic import replace_file
from core.files.lock import exclusive_lock
from marketing.campaigns.definition.campaign import Campaign
from marketing.campaigns.definition.file import CampaignFile, campaign_of, read_campaign
from marketing.campaigns.definition.saved_audience import with_saved_audience
from marketing.campaigns.errors import DefinitionError
from settings import Settings

HEADER = "# Written by the console. With other comments or another layout, the console edits this file as text.\n\n"
ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
RESERVED = frozenset({"new", "past", "together", "counts"})
"""Ids that are addresses of other pages."""


@dataclass(frozen=True)
class Draft:
    """A campaign's file at one instant.

    Attributes:
        path: the file.
        text: its content.
        changed_at: when it was written last.
        changed_by: the user who saved it in the console; None if it was saved elsewhere.
        audiences: the folder of saved audiences.
    """

    path: Path
    text: str
    changed_at: datetime
    changed_by: str | None
    audiences: Path

    @property
    def id(self) -> str:
        """Return the campaign's id."""
        return self.path.stem

    @property
    def base(self) -> str:
        """Return a hash of the content, which a form sends back, so that a later change is noticed."""
        return _hash(self.text)

    @property
    def fields(self) -> dict[str, Any]:
        """Return what the file holds; nothing if it is not TOML."""
        try:
            return tomllib.loads(self.text)
        except tomllib.TOMLDecodeError:
            return {}

    @property
    def has_form(self) -> bool:
        """Return whether forms can edit it without losing anything."""
        return bool(self.fields) and written(self.fields) == self.text

    def checked(self) -> CampaignFile:
        """Return the campaign.

        Raises:
            DefinitionError: the file cannot be used.
        """
        return with_saved_audience(read_campaign(self.path), self.audiences)

    def problems(self) -> list[str]:
        """Return why the file cannot be used, with lines; nothing if it can."""
        try:
            self.checked()
        except DefinitionError as error:
            return error.problems
        return []


def written(fields: Mapping[str, Any]) -> str:
    """Return the fields as the console writes them, in the order of the definition."""
    known = [name for name in Campaign.model_fields if name in fields]
    ordered = {name: fields[name] for name in [*known, *(name for name in fields if name not in known)]}
    return HEADER + tomli_w.dumps(ordered, multiline_strings=True)


def draft_of(settings: Settings, campaign_id: str) -> Draft:
    """Return a campaign's file.

    Raises:
        NotFoundError: there is none of this id.
    """
    path = settings.campaigns_folder / f"{campaign_id}.toml"
    try:
        if not ID.fullmatch(campaign_id):
            raise FileNotFoundError
        text = path.read_bytes().decode(errors="replace")
        changed_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        known = ", ".join(sorted(file.stem for file in settings.campaigns_folder.glob("*.toml"))) or "none yet"
        raise NotFoundError(
            f"The campaign '{campaign_id}' has no file in {settings.campaigns_folder}; somebody may have renamed or "
            f"deleted it. Campaigns there: {known}."
        ) from None
    changed_by = editor_of(settings, campaign_id, _hash(text))
    return Draft(path, text, changed_at, changed_by, settings.paths.audiences)


def create(settings: Settings, fields: Mapping[str, Any], by: str) -> Draft:
    """Write a new file.

    Args:
        settings: of the installation.
        fields: of the campaign.
        by: the user.

    Raises:
        DefinitionError: the fields are not a campaign.
        ConflictError: a campaign of this id exists.
    """
    campaign_id = str(fields.get("id", ""))
    path, text = settings.campaigns_folder / f"{campaign_id}.toml", written(fields)
    campaign_of(path, text, fields)
    if campaign_id in RESERVED:
        raise DefinitionError(path.name, [f"'{campaign_id}' is the address of another page. Choose another id."])
    with exclusive_lock(path.parent):
        if path.exists():
            raise ConflictError(f"A campaign '{campaign_id}' exists already. Open it, or choose another id.")
        _write(settings, path, text, by)
    return draft_of(settings, campaign_id)


def save(settings: Settings, campaign_id: str, base: str, text: str, by: str) -> Draft:
    """Give a campaign's file another content.

    Args:
        settings: of the installation.
        campaign_id: the campaign.
        base: of the draft that the change was made from.
        text: the new content.
        by: the user.

    Raises:
        DefinitionError: the content is not TOML, or not this campaign; nothing was written.
        ChangedError: somebody else changed the file since; nothing was written.
    """
    path = settings.campaigns_folder / f"{campaign_id}.toml"
    try:
        campaign_of(path, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise DefinitionError(path.name, [f"It is not TOML: {error}."]) from error
    with exclusive_lock(path.parent):
        now = draft_of(settings, campaign_id)
        if now.base != base:
            raise ChangedError(now, text)
        _write(settings, path, text, by)
    return draft_of(settings, campaign_id)


def _write(settings: Settings, path: Path, text: str, by: str) -> None:
    record_edit(settings, path.stem, _hash(text), by)
    replace_file(path, text)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class ChangedError(ConflictError):
    """Somebody else changed the file first.

    Attributes:
        now: the file at this instant.
        text: the content that was not written.
    """

    def __init__(self, now: Draft, text: str):
        who = f"The user '{now.changed_by}'" if now.changed_by else "Somebody outside the console"
        super().__init__(f"{who} changed the campaign '{now.id}' first, so your change was not saved.")
        self.now = now
        self.text = text
