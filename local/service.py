"""The recommendation service on loopback, and requests to it."""

import hashlib
import os
import sys
import time
from typing import Any

import duckdb
import httpx

from local.effective import differences, effective
from local.errors import DemoError, NoKeyError, NotReadyError, ProcessFailedError
from local.processes import Programs, require_free_port
from settings import ROOT, SERVICE_SETTINGS, Settings

NAME = "service"
SECONDS_TO_START = 120
# Quantiles of customers by number of baskets, most baskets first.
ACTIVITY_QUANTILES = {"comes often": 0.02, "comes now and then": 0.5, "comes seldom": 0.97}


class Service:
    """The service of one installation."""

    def __init__(self, settings: Settings, programs: Programs) -> None:
        self._settings = settings
        self._programs = programs
        key = settings.client_api_key.get_secret_value() if settings.client_api_key else None
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(base_url=self.url, timeout=30, headers=headers)

    @property
    def url(self) -> str:
        """Return the address of the service."""
        return f"http://127.0.0.1:{self._settings.service_port}"

    def start(self, fresh: bool) -> bool:
        """Start the service unless it runs; restart it if `fresh`. Return whether it was started."""
        if fresh:
            self._programs.stop(NAME)
        if self._programs.running(NAME):
            return False
        require_free_port(self._settings.service_port, "the recommendation service", "REACH_SERVICE_PORT")
        env = {**os.environ, "REACH_DATA": str(self._settings.data), "DO_NOT_TRACK": "1"}
        kept = effective(self._settings, SERVICE_SETTINGS)
        self._programs.start(NAME, [sys.executable, "-m", "serving"], env, cwd=ROOT, settings=kept)
        return True

    def changed_settings(self) -> list[str]:
        """Return one phrase per setting that has changed since the running service was started."""
        then = self._programs.settings_of(NAME)
        return differences(then, effective(self._settings, SERVICE_SETTINGS)) if then else []

    def require_key(self) -> None:
        """Check the API key of the local client.

        Raises:
            NoKeyError: the service requires a key that these settings do not contain.
        """
        keys, key = self._settings.api_keys, self._settings.client_api_key
        if not keys:
            return
        make = "'.venv/bin/python -m serving hash-key reach recommend' makes one and its entry for REACH_API_KEYS."
        if key is None:
            raise NoKeyError(
                "REACH_API_KEYS is set, so the service wants a key, and REACH_CLIENT_API_KEY holds none. "
                f"Set it to a key with the scope recommend: {make}"
            )
        if hashlib.sha256(key.get_secret_value().encode()).hexdigest() not in keys:
            raise NoKeyError(f"REACH_CLIENT_API_KEY is not the key of any entry of REACH_API_KEYS. {make}")

    def wait_until_ready(self) -> None:
        """Wait until the service answers `/readyz` with 200.

        Raises:
            ProcessFailedError: the service has ended.
            NotReadyError: it was not ready in time.
        """
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            if self._programs.running(NAME) is None:
                log = self._programs.log(NAME)
                lines = log.read_text(errors="replace").splitlines()[-20:]
                raise ProcessFailedError(f"The service has ended. Its last lines, from {log}:\n" + "\n".join(lines))
            try:
                if self._http.get("/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.5)
        raise NotReadyError(
            f"The service at {self.url} was not ready within {SECONDS_TO_START} seconds. "
            f"Its output: {self._programs.log(NAME)}"
        )

    def recommend(self, customer_id: str, slate: str, k: int) -> dict[str, Any]:
        """Send one request and return the answer; the customer does not see it."""
        body = {"customer_id": customer_id, "slate": slate, "k": k, "preview": True}
        answer = self._http.post("/recommend", json=body)
        if answer.status_code in (401, 403):
            raise NoKeyError(
                f"The service at {self.url} wants an API key that the demo does not have. Set REACH_CLIENT_API_KEY to "
                "one of REACH_API_KEYS with the scope recommend. "
                "'.venv/bin/python -m serving hash-key reach recommend' makes one."
            )
        if answer.status_code != 200:
            raise DemoError(f"The service answered {answer.status_code}: {answer.text[:500]}")
        found: dict[str, Any] = answer.json()
        return found


def sample_customers(settings: Settings) -> dict[str, str]:
    """Return a customer of the admitted data for each habit; always the same for the same data."""
    transactions = settings.paths.admitted / "transactions.parquet"
    with duckdb.connect() as database:
        ids = database.execute(
            "select customer_id from read_parquet(?) where customer_id is not null group by customer_id"
            " order by count(distinct basket_id) desc, customer_id",
            [str(transactions)],
        ).fetchall()
    return {habit: ids[int(quantile * (len(ids) - 1))][0] for habit, quantile in ACTIVITY_QUANTILES.items()}
