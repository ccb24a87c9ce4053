"""Change only the status in a campaign's file, so that comments stay."""

import re
import tomllib

from console.errors import ConsoleError
from console.pages.campaigns.definition.draft import ChangedError, Draft, draft_of, save
from marketing.campaigns.errors import DefinitionError
from settings import Settings

_LINE = re.compile(r"""^status[ \t]*=[ \t]*(?:"[^"\n]*"|'[^'\n]*')""", re.MULTILINE)
TRIES = 3

_ID = re.compile(r"^id[ \t]*=.*$", re.MULTILINE)


def with_status(text: str, status: str) -> str:
    """Return a file's content with another status; every other character stays.

    Raises:
        ConsoleError: the status is written in a way that cannot be changed by a machine.
    """
    line = f'status = "{status}"'
    if _LINE.search(text):
        changed = _LINE.sub(lambda _: line, text, count=1)
    else:
        changed = _ID.sub(lambda found: f"{found[0]}\n{line}", text, count=1)
    try:
        before, after = tomllib.loads(text), tomllib.loads(changed)
    except tomllib.TOMLDecodeError:
        before, after = {}, {}
    if not after or before | {"status": status} != after:
        raise ConsoleError(f"The status could not be changed in the file. Write {line} there by hand.")
    return changed


def set_status(settings: Settings, campaign_id: str, status: str, by: str, base: str | None = None) -> Draft:
    """Write another status into a campaign's file.

    Args:
        settings: of the installation.
        campaign_id: the campaign.
        status: draft, running or stopped.
        by: the user.
        base: of the draft that a person saw; None to change the newest one.

    Raises:
        ConsoleError: the file cannot be used, or somebody else changed it.
    """
    draft = draft_of(settings, campaign_id)
    if draft.fields.get("status", "draft") == status and base in (None, draft.base):
        return draft
    try:
        return save(settings, campaign_id, base or draft.base, with_status(draft.text, status), by)
    except DefinitionError as error:
        raise ConsoleError(str(error)) from error


def restore_status(settings: Settings, before: Draft, by: str) -> None:
    """Give a campaign that runs its former status; whatever else was saved in the meantime stays.

    Args:
        settings: of the installation.
        before: the campaign before its status was set to running.
        by: the user.

    Raises:
        ConsoleError: the status could not be written; the message names what to do.
    """
    former = str(before.fields.get("status", "draft"))
    for _ in range(TRIES):
        try:
            if draft_of(settings, before.id).fields.get("status") == "running":
                set_status(settings, before.id, former, by)
            return
        except ChangedError:
            continue  # somebody saved between reading and writing
        except ConsoleError as error:
            problem = str(error)
            break
    else:
        problem = "somebody saves it all the time."
    raise ConsoleError(f"The campaign is still 'running': {problem} Write status = \"{former}\" into its file.")
