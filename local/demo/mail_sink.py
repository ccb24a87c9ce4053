"""The demo's mail sink as a program of the local stack."""

import os
import sys
import time

import httpx

from local.effective import differences, effective
from local.errors import NotReadyError, ProcessFailedError
from local.processes import Programs, require_free_port
from settings import ROOT, Settings

NAME = "mail-sink"
SECONDS_TO_START = 60
SETTINGS = ("data", "mail_smtp_port", "mail_page_port")
"""Settings that the program reads once, when it starts."""


class MailSink:
    """The mail sink of one installation."""

    def __init__(self, settings: Settings, programs: Programs) -> None:
        self._settings = settings
        self._programs = programs

    @property
    def url(self) -> str:
        """Return the address of the page."""
        return f"http://127.0.0.1:{self._settings.mail_page_port}"

    def start(self) -> bool:
        """Start the mail sink unless it runs with these settings. Return whether it was started.

        Raises:
            PortTakenError: another program listens on one of its ports.
        """
        if self.changed_settings():
            self._programs.stop(NAME)
        if self._programs.running(NAME):
            return False
        require_free_port(self._settings.mail_smtp_port, "the demo's mail sink", "REACH_MAIL_SMTP_PORT")
        require_free_port(self._settings.mail_page_port, "the page of the demo's mail sink", "REACH_MAIL_PAGE_PORT")
        env = {**os.environ, "REACH_DATA": str(self._settings.data)}
        kept = effective(self._settings, SETTINGS)
        self._programs.start(NAME, [sys.executable, "-m", "local.mail_sink"], env, cwd=ROOT, settings=kept)
        return True

    def changed_settings(self) -> list[str]:
        """Return one phrase per setting that has changed since the running mail sink was started."""
        then = self._programs.settings_of(NAME)
        return differences(then, effective(self._settings, SETTINGS)) if then else []

    def wait_until_ready(self) -> None:
        """Wait until the page answers; the SMTP server listens before it.

        Raises:
            ProcessFailedError: the mail sink has ended.
            NotReadyError: it was not ready in time.
        """
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            if self._programs.running(NAME) is None:
                log = self._programs.log(NAME)
                lines = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
                raise ProcessFailedError(f"The demo's mail sink has ended. Its last lines, from {log}:\n{lines}")
            try:
                if httpx.get(f"{self.url}/ready", timeout=5).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.2)
        raise NotReadyError(
            f"The demo's mail sink at {self.url} was not ready within {SECONDS_TO_START} seconds. "
            f"Its output: {self._programs.log(NAME)}"
        )
