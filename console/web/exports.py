"""Answer with a file of customers' ids that a command writes, and delete the file once it was sent."""

import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from secrets import token_urlsafe
from zoneinfo import ZoneInfo

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from console.web.console import Console, user_of

FORMATS = ("csv", "parquet")
KEPT_SECONDS = 3_600
"""A file that was not sent, because somebody closed the browser, is deleted by the first export after this time."""


async def exported(
    console: Console,
    request: Request,
    arguments: Sequence[str],
    name: str,
    ending: str = "csv",
    ids: Sequence[str] = (),
) -> Response:
    """Return the file that a command writes.

    Args:
        console: the console.
        request: of the user who exports.
        arguments: of the command, without `--out`.
        name: what the file holds; its name adds the time.
        ending: one of `FORMATS`.
        ids: ids of customers that the command reads from a file after `--like`, because the system's list of processes
            shows arguments.

    Raises:
        ConsoleError: the command failed; the message is its own sentence.
    """
    folder = console.settings.paths.exports
    await run_in_threadpool(_prepare, folder)
    file = folder / f"{name}-{token_urlsafe(9)}.{ending}"
    given = file.with_name(f"{file.name}.txt")
    try:
        if ids:
            given.write_text("\n".join(ids))
            arguments = [*arguments, "--like", str(given)]
        await console.commands.run([*arguments, "--out", str(file)], f"Export {name}", user_of(request).name)
    finally:
        given.unlink(missing_ok=True)
    now = datetime.now(ZoneInfo(console.settings.timezone))
    return FileResponse(
        file,
        filename=f"{name}-{now:%Y-%m-%d-%H%M}.{ending}",
        background=BackgroundTask(file.unlink, missing_ok=True),
    )


def _prepare(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file in folder.iterdir():
        if file.stat().st_mtime < time.time() - KEPT_SECONDS:
            file.unlink(missing_ok=True)
