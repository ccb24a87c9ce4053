"""Read a campaign's file; an error names the file, the line, the value and what is allowed."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from marketing.campaigns.definition.campaign import Campaign
from marketing.campaigns.definition.lines import line_of
from marketing.campaigns.definition.sections import Section
from marketing.campaigns.errors import CampaignError, DefinitionError

SHOWN = 80


@dataclass(frozen=True)
class CampaignFile:
    """A campaign as it was read.

    Attributes:
        path: the file.
        text: its content.
        campaign: what it defines.
    """

    path: Path
    text: str
    campaign: Campaign

    @property
    def definition(self) -> str:
        """Return the campaign as JSON, without comments, the order of fields and the status."""
        return json.dumps(self.campaign.model_dump(mode="json", exclude={"status"}), sort_keys=True, ensure_ascii=False)

    @property
    def version(self) -> str:
        """Return a hash of the definition: any change of content, audience or time is a new version."""
        return hashlib.sha256(self.definition.encode()).hexdigest()[:16]

    def error(self, path: tuple[str | int, ...], message: str) -> str:
        """Return a sentence about a value, with its line."""
        return _located(self.text, path, message)


def read_campaign(path: Path) -> CampaignFile:
    """Read and check one file.

    Raises:
        DefinitionError: the file cannot be used; the message names each problem with its line.
    """
    text, fields = read_fields(path)
    return campaign_of(path, text, fields)


def campaign_of(path: Path, text: str, fields: Mapping[str, Any]) -> CampaignFile:
    """Check the fields of a file, which need not be written yet.

    Args:
        path: the file; it names the campaign.
        text: its content, in which problems are located.
        fields: what the content holds.

    Raises:
        DefinitionError: the campaign cannot be used; the message names each problem with its line.
    """
    try:
        campaign = Campaign.model_validate(fields)
    except ValidationError as error:
        raise DefinitionError(path.name, [problem(text, found) for found in error.errors()]) from error
    if campaign.id != path.stem:
        raise DefinitionError(
            path.name,
            [_located(text, ("id",), f"id = '{campaign.id}', but the file is named '{path.stem}'. Make them equal.")],
        )
    return CampaignFile(path, text, campaign)


def read_campaigns(folder: Path) -> list[CampaignFile]:
    """Read all campaigns of a folder, by id.

    Raises:
        DefinitionError: one of the files cannot be used.
        CampaignError: the folder is empty, or has no TOML file.
    """
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise CampaignError(f"{folder} has no campaign. Write a file such as marketing/campaigns/example.toml there.")
    return [read_campaign(file) for file in files]


def read_fields(path: Path) -> tuple[str, dict[str, Any]]:
    """Return the text and the fields of a TOML file.

    Raises:
        DefinitionError: the file is missing, or is not TOML.
    """
    try:
        text = path.read_text()
        return text, tomllib.loads(text)
    except OSError as error:
        raise DefinitionError(path.name, [f"{path} cannot be read ({error.strerror})."]) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DefinitionError(path.name, [f"It is not TOML: {error}."]) from error


def problem(text: str, found: ErrorDetails, model: type[Section] = Campaign) -> str:
    """Return a sentence about one wrong value of a file: line, field, value and what is allowed."""
    path, kind = _written_path(found["loc"]), found["type"]
    if kind == "value_error" and isinstance(found["input"], Mapping):
        # The message begins with the field that it is about.
        message = found["msg"].removeprefix("Value error, ").rstrip(".") + "."
        named = tuple(message.partition(" ")[0].split("."))
        return _located(
            text, (*path, *named), f"{'.'.join(str(part) for part in path)}: {message}" if path else message
        )
    field, allowed = ".".join(str(part) for part in path), _allowed(found)
    if kind == "missing":
        return _located(text, path, f"{field} is missing.")
    if kind == "extra_forbidden":
        return _located(text, path, f"{field} is unknown. {_near(found, path, model)}")
    return _located(text, path, f"{field} = {_shown(found['input'])}: {allowed}")


def _written_path(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Return the path as it stands in the file: without the type that pydantic adds for a trigger."""
    if len(location) > 1 and location[0] == "trigger":
        return (location[0], *location[2:])
    return location


def _allowed(found: ErrorDetails) -> str:
    message = found["msg"].removeprefix("Value error, ")
    return message[:1].upper() + message[1:].rstrip(".") + "."


def _near(found: ErrorDetails, path: tuple[int | str, ...], whole: type[Section]) -> str:
    model: Any = whole
    for part in path[:-1]:
        if isinstance(part, int):
            continue
        model = _model_of(model, part, found)
        if model is None:
            return "Remove it."
    names = list(model.model_fields)
    close = get_close_matches(str(path[-1]), names, 2)
    return f"Did you mean {' or '.join(close)}?" if close else f"Fields here: {', '.join(names)}."


def _model_of(model: Any, field: str, found: ErrorDetails) -> Any:
    """Return the section that a field holds, whatever optional, tuple or union it is written in."""
    waiting = [model.model_fields[field].annotation] if field in model.model_fields else []
    sections = []
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, type) and hasattr(kind, "model_fields"):
            sections.append(kind)
        waiting += get_args(kind)
    if field == "trigger":
        sections = [one for one in sections if _type_of(one) == found["loc"][1]]
    return sections[0] if sections else None


def _type_of(section: Any) -> str:
    return str(get_args(section.model_fields["type"].annotation)[0])


def _located(text: str, path: tuple[str | int, ...], message: str) -> str:
    line = line_of(text, path)
    return f"Line {line}: {message}" if line else message


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= SHOWN else shown[: SHOWN - 1] + "…"
