"""The console on loopback, with one user whose password is made once."""

import json
import os
import secrets
import sys
import time

import httpx

from console.access.users import entry_for
from local.effective import differences, effective
from local.errors import NotReadyError, ProcessFailedError
from local.private_file import write_private
from local.processes import Programs, require_free_port
from settings import ROOT, Settings

NAME = "console"
USER = "admin"
SECONDS_TO_START = 60
CONSOLE_SETTINGS = (
    *("data", "console_port", "console_users", "console_key", "console_hosts", "service_port", "client_api_key"),
    *("outbox_url", "campaigns", "contact_policy", "timezone"),
)
"""Settings that the console reads once, when it starts."""


class Console:
    """The console of one installation."""

    def __init__(self, settings: Settings, programs: Programs) -> None:
        self._settings = settings
        self._programs = programs
        self._file = settings.data / "console" / "secrets.json"

    @property
    def url(self) -> str:
        """Return the address of the console."""
        return f"http://127.0.0.1:{self._settings.console_port}"

    @property
    def login(self) -> str:
        """Return how to log in, as a phrase: the demo's user, or whose users are set."""
        if self._settings.console_users:
            return "login: a user of REACH_CONSOLE_USERS"
        return f"login {USER}, password {self._secrets()['password']}"

    def start(self, fresh: bool) -> bool:
        """Start the console unless it runs; restart it if `fresh`. Return whether it was started."""
        if fresh:
            self._programs.stop(NAME)
        if self._programs.running(NAME):
            return False
        require_free_port(self._settings.console_port, "the console", "REACH_CONSOLE_PORT")
        kept = effective(self._settings, CONSOLE_SETTINGS)
        command = [sys.executable, "-m", "console", "serve"]
        self._programs.start(NAME, command, self._environment(), cwd=ROOT, settings=kept)
        return True

    def changed_settings(self) -> list[str]:
        """Return one phrase per setting that has changed since the running console was started."""
        then = self._programs.settings_of(NAME)
        return differences(then, effective(self._settings, CONSOLE_SETTINGS)) if then else []

    def wait_until_ready(self) -> None:
        """Wait until the console answers.

        Raises:
            ProcessFailedError: the console has ended.
            NotReadyError: it did not answer in time.
        """
        deadline = time.monotonic() + SECONDS_TO_START
        log = self._programs.log(NAME)
        while time.monotonic() < deadline:
            if self._programs.running(NAME) is None:
                lines = log.read_text(errors="replace").splitlines()[-20:]
                raise ProcessFailedError(f"The console has ended. Its last lines, from {log}:\n" + "\n".join(lines))
            try:
                if httpx.get(f"{self.url}/livez", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.3)
        raise NotReadyError(f"The console at {self.url} did not answer within {SECONDS_TO_START} seconds; see {log}.")

    def _environment(self) -> dict[str, str]:
        """Return the console's environment, with the demo's user and key where the settings have none."""
        made = self._secrets()
        environment = {**os.environ, "REACH_DATA": str(self._settings.data), "DO_NOT_TRACK": "1"}
        if self._settings.console_users is None:
            environment["REACH_CONSOLE_USERS"] = made["entry"]
        if self._settings.console_key is None:
            environment["REACH_CONSOLE_KEY"] = made["key"]
        return environment

    def _secrets(self) -> dict[str, str]:
        """Return the password, the user's entry and the key, made once and readable by their owner only."""
        if not self._file.exists():
            password = secrets.token_urlsafe(12)
            made = {"password": password, "entry": entry_for(USER, "admin", password), "key": secrets.token_urlsafe(48)}
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_private(self._file, made)
        found: dict[str, str] = json.loads(self._file.read_text())
        return found
