"""Find age-restricted products by patterns: one list for messages and for the service's lists, in `restricted.toml`."""

import tomllib
from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from core.toml.model import read_toml

PACKAGED = Path(__file__).with_name("restricted.toml")

SECTION = "restricted"
"""The section of a shop's contact policy with patterns that are added."""


class Restricted(BaseModel):
    """Patterns of age-restricted products; a product is restricted if one of them matches."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    departments: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    product_types: tuple[str, ...] = ()

    def extended(self, other: "Restricted") -> "Restricted":
        """Return both lists of patterns together."""
        return Restricted(
            **{
                name: tuple(dict.fromkeys(getattr(self, name) + getattr(other, name)))
                for name in type(self).model_fields
            }
        )


def packaged_patterns() -> Restricted:
    """Return the patterns that hold in every shop."""
    return read_toml(PACKAGED, Restricted, ValueError)


def hidden_patterns(excludes: bool, own: Path | None, error: type[Exception]) -> Restricted | None:
    """Return the patterns of products that no list shows; None if lists show all.

    Args:
        excludes: REACH_EXCLUDE_RESTRICTED.
        own: the shop's contact policy, which may add patterns; None for the packaged ones alone.
        error: raised with the file's name and the cause if the file cannot be used.
    """
    if not excludes:
        return None
    packaged = packaged_patterns()
    if own is None:
        return packaged
    try:
        added = tomllib.loads(own.read_text()).get(SECTION, {})
        return packaged.extended(Restricted.model_validate(added))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as cause:
        raise error(f"REACH_CONTACT_POLICY={own} cannot be used: {cause}. See docs/campaigns.md.") from cause


def matching(names: Iterable[str], patterns: Collection[str]) -> set[str]:
    """Return the names that match one of the patterns, whatever their case."""
    folded = [pattern.casefold() for pattern in patterns]
    return {name for name in names if any(fnmatchcase(name.strip().casefold(), pattern) for pattern in folded)}
