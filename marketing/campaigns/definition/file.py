"""Read a campaign's file; an error names the file, the line, the value and what is allowed."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.toml.problems import located, problem
from marketing.campaigns.definition.campaign import Campaign
from marketing.campaigns.errors import DefinitionError


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
        return located(self.text, path, message)


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
        raise DefinitionError(
            path.name, [problem(text, found, Campaign, union="trigger") for found in error.errors()]
        ) from error
    if campaign.id != path.stem:
        raise DefinitionError(
            path.name,
            [located(text, ("id",), f"id = '{campaign.id}', but the file is named '{path.stem}'. Make them equal.")],
        )
    return CampaignFile(path, text, campaign)


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
