"""`python -m local.mail_sink`: take e-mails on loopback, keep them, and show them; `make demo` starts it."""

import asyncio
import sys

import uvicorn

from core.command import log_to_stdout
from local.mail_sink.page import MailPages
from local.mail_sink.received import ReceivedMail
from local.mail_sink.smtp import LOOPBACK, listen
from settings import Settings, SettingsError, load_settings


async def run(settings: Settings) -> None:
    """Serve until the process is asked to end.

    Raises:
        OSError: a port is taken, or the folder cannot be written.
    """
    received = ReceivedMail(settings.paths.mail)
    server = await listen(received, settings.mail_smtp_port)
    async with server:
        pages = MailPages(received).application()
        options = uvicorn.Config(
            pages, LOOPBACK, settings.mail_page_port, log_level="warning", access_log=False, server_header=False
        )
        await uvicorn.Server(options).serve()


def main() -> int:
    """Return the exit code of the process."""
    log_to_stdout()
    try:
        asyncio.run(run(load_settings()))
    except (SettingsError, OSError) as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
