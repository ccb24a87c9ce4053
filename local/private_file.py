"""Write a file with secrets, readable by its owner only, in one step."""

import json
import os
from pathlib import Path
from typing import Any

from core.files.atomic import staging_path, sync


def write_private(file: Path, values: dict[str, Any]) -> None:
    """Give a file these values as JSON: a reader sees the former ones or the new ones."""
    staged = staging_path(file)
    staged.unlink(missing_ok=True)
    with os.fdopen(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        json.dump(values, handle)
        handle.flush()
        os.fsync(handle.fileno())
    staged.replace(file)
    sync(file.parent)
