"""What `verify` asks of the running service, over HTTP on loopback."""

import json
import re
import urllib.error
import urllib.request
from typing import Any

from release.errors import VerifyError

SECONDS = 10.0
NOBODY = "reach-verify: no such customer"
"""Asked for, this id gets the list for unknown customers; verification must not look at a real one's data."""


class ServiceClient:
    """The service on a port of this machine. `key`: an API key with the scopes recommend and admin, if it wants one."""

    def __init__(self, port: int, key: str | None = None):
        self.url = f"http://127.0.0.1:{port}"
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def is_running(self) -> bool:
        """Whether a Reach service answers there, ready or not."""
        return self.generations() is not None

    def generations(self) -> dict[str, int] | None:
        """The generation of the champion pointer that is `serving`, and the one last `refused`; each may be absent.

        None if no Reach service listens; nothing yet while one starts: its port is open before it answers.
        Raises VerifyError if the service wants another key.
        """
        request = urllib.request.Request(f"{self.url}/metrics", headers=self._headers)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                metrics = answer.read().decode()
        except urllib.error.HTTPError as error:
            if error.code in (401, 403):
                raise VerifyError(
                    f"The service at {self.url} answers {error.code}. Set REACH_SERVICE_KEY to one of its API keys, "
                    "with the scopes recommend and admin."
                ) from error
            return None
        except OSError as error:
            refused = isinstance(getattr(error, "reason", error), ConnectionRefusedError)
            return None if refused else {}
        if "reach_bundle_swaps_total" not in metrics:
            return None
        found = re.findall(r'^reach_champion_generation\{outcome="(\w+)"\} ([\d.e+]+)$', metrics, re.MULTILINE)
        return {outcome: int(float(value)) for outcome, value in found}

    def recommend(self, slate: str, k: int) -> dict[str, Any]:
        """The answer for a customer nobody knows. Raises OSError if the service does not answer with 200."""
        body = json.dumps({"customer_id": NOBODY, "slate": slate, "k": k}).encode()
        headers = {"Content-Type": "application/json", **self._headers}
        request = urllib.request.Request(f"{self.url}/recommend", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except urllib.error.HTTPError as error:
            raise OSError(f"HTTP {error.code}: {error.read(300).decode(errors='replace')}") from error
