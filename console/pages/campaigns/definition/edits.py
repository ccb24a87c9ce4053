"""Record which user saved the present version of each campaign's file, so that a conflict can name the person."""

import json

from core.files.atomic import replace_file
from settings import Settings


def record_edit(settings: Settings, campaign_id: str, version: str, by: str) -> None:
    """Note who saved a version; the caller holds the lock of the campaigns' folder.

    Args:
        settings: of the installation.
        campaign_id: the campaign.
        version: the hash of the file's content.
        by: the user's name.
    """
    file = settings.paths.console_edits
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(file, json.dumps(_read(settings) | {campaign_id: {"version": version, "by": by}}, indent=1) + "\n")


def editor_of(settings: Settings, campaign_id: str, version: str) -> str | None:
    """Return the user who saved a version; None if it was saved outside the console."""
    found = _read(settings).get(campaign_id)
    return found["by"] if found and found["version"] == version else None


def _read(settings: Settings) -> dict[str, dict[str, str]]:
    try:
        found: dict[str, dict[str, str]] = json.loads(settings.paths.console_edits.read_text())
    except (OSError, ValueError):
        return {}
    return found
