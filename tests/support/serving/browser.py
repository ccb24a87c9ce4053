"""A real headless Chromium, driven by the DevTools protocol; it can reach this machine's loopback and nothing else."""

import base64
import itertools
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

SECONDS = 30.0
"""How long a page may take to become what a test waits for, on a busy machine."""

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-port=0",
)
KEYS = {"ArrowDown": 40, "ArrowUp": 38, "ArrowLeft": 37, "ArrowRight": 39, "Enter": 13, "Tab": 9, "Escape": 27}


class LeavingError(AssertionError):
    """The page was being left while it was asked."""


class Tab:
    """One page. `told`: console errors, exceptions and violations of its policy; `asked`: addresses it loaded."""

    def __init__(self, connection: ClientConnection, target: str):
        self.told: list[str] = []
        self.asked: list[str] = []
        self._connection = connection
        self._numbers = itertools.count(1)
        self._session: str | None = None
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")

    def open(self, address: str) -> None:
        self._call("Page.navigate", url=address)
        self.wait(f"document.readyState === 'complete' && location.href.startsWith({json.dumps(address)})")

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression; a promise is awaited."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, expression: str) -> None:
        """Until the expression is true; AssertionError with the page's text if it does not become so."""
        deadline = time.monotonic() + SECONDS
        while not self._holds(expression):
            if time.monotonic() > deadline:
                raise AssertionError(f"{expression} did not come true; {self.told}\n{self.text('body')}")
            time.sleep(0.02)

    def _holds(self, expression: str) -> bool:
        try:
            return bool(self.ask(expression))
        except LeavingError:
            return False

    def text(self, selector: str) -> str:
        return str(self.ask(f"document.querySelector({json.dumps(selector)}).innerText"))

    def press(self, *keys: str) -> None:
        """Keys as a person presses them: names of KEYS, or characters."""
        for key in keys:
            code = KEYS.get(key, ord(key[0].upper()))
            text = {"text": "\r"} if key == "Enter" else {"text": key} if len(key) == 1 else {}
            self._call("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **text)
            self._call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def hold(self, key: str, repeats: int) -> None:
        """A key that was pressed and is not let go: the keyboard repeats it."""
        for _ in range(repeats):
            self._call(
                "Input.dispatchKeyEvent",
                type="keyDown",
                key=key,
                text=key,
                windowsVirtualKeyCode=ord(key.upper()),
                autoRepeat=True,
            )

    def show_as(self, width: int, height: int, dark: bool = False) -> None:
        """The window's size in CSS pixels, and what the person prefers."""
        self._call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])

    def picture(self, file: Path) -> None:
        """What the window shows, as PNG."""
        file.write_bytes(base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"]))

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        self._connection.send(json.dumps(message | ({"sessionId": self._session} if self._session else {})))
        while True:
            heard = json.loads(self._connection.recv(timeout=SECONDS))
            if heard.get("id") == number:
                if "error" in heard:
                    left = any(word in heard["error"]["message"] for word in ("navigated", "context"))
                    raise (LeavingError if left else AssertionError)(f"{method}: {heard['error']}")
                result: dict[str, Any] = heard["result"]
                return result
            self._hear(heard.get("method"), heard.get("params", {}))

    def _hear(self, method: str | None, parameters: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.told.append(json.dumps(parameters["exceptionDetails"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.told.append(f"{parameters['entry']['source']}: {parameters['entry']['text']}")
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.told.append(json.dumps(parameters["args"]))
        elif method == "Network.requestWillBeSent":
            self.asked.append(parameters["request"]["url"])


@contextmanager
def chromium(folder: Path) -> Iterator["Browser"]:
    """Start it with a profile of its own below `folder`. Skips the test where the program is not."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("the program chromium is not on this machine (Debian: apt-get install chromium)")
    folder.mkdir(parents=True, exist_ok=True)
    profile = folder / "profile"
    with (folder / "chromium.log").open("wb") as log:
        environment = os.environ | {"HOME": str(folder)}
        process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )
    try:
        port, path = _address(profile / "DevToolsActivePort", folder / "chromium.log")
        with connect(f"ws://127.0.0.1:{port}{path}", max_size=None, proxy=None) as connection:
            yield Browser(connection)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Browser:
    """A running Chromium: opens one tab at a time."""

    def __init__(self, connection: ClientConnection):
        self._connection = connection
        self._numbers = itertools.count(-1, -1)

    @contextmanager
    def tab(self) -> Iterator[Tab]:
        """A tab with nothing remembered from others: no key, no cache."""
        context = self._call("Target.createBrowserContext")["browserContextId"]
        target = self._call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        try:
            yield Tab(self._connection, target)
        finally:
            self._call("Target.disposeBrowserContext", browserContextId=context)

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            heard = json.loads(self._connection.recv(timeout=SECONDS))
            if heard.get("id") == number:
                result: dict[str, Any] = heard["result"]
                return result


def _address(file: Path, log: Path) -> tuple[str, str]:
    deadline = time.monotonic() + SECONDS
    while not file.exists() or len(file.read_text().split()) < 2:
        if time.monotonic() > deadline:
            raise AssertionError(f"Chromium did not start: {log.read_text()[-2000:]}")
        time.sleep(0.05)
    port, path = file.read_text().split()
    return port, path
