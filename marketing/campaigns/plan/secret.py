"""Read the installation's secret, from which every campaign's assignment key is made; make it once."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from core.files.atomic import sync
from marketing.campaigns.errors import CampaignError

BYTES = 32


def assignment_secret(file: Path) -> bytes:
    """Return the secret; the first call writes it, readable by the owner only.

    With another secret every customer could change arms, so the file is kept as long as any campaign is measured.

    Raises:
        CampaignError: the file cannot be read, or is too short.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    staged = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        if not file.exists():
            descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as handle:
                handle.write(secrets.token_bytes(BYTES))
                handle.flush()
                os.fsync(handle.fileno())
            with suppress(FileExistsError):
                os.link(staged, file)  # of several first calls, one file stays
            sync(file.parent)
        found = file.read_bytes()
    except OSError as error:
        raise CampaignError(f"The secret {file} cannot be read or made ({error.strerror}).") from error
    finally:
        staged.unlink(missing_ok=True)
    if len(found) < BYTES:
        raise CampaignError(f"The secret {file} has {len(found)} bytes instead of {BYTES}. Restore it from a backup.")
    return found
