"""A console with a stubbed service in a thread of this process, for a browser."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from console.app import build_app
from settings import Settings
from tests.support.console.client import Answers, stub, with_console

SECONDS_TO_START = 60


@contextmanager
def serve_in_thread(settings: Settings, answers: Answers) -> Iterator[str]:
    """Serve the console on a free port of loopback, and yield its address.

    Args:
        settings: name the data directory.
        answers: of the recommendation service, by path.
    """
    app = build_app(with_console(settings), stub({"/readyz": {}, **answers}))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + SECONDS_TO_START
        while not server.started:
            assert thread.is_alive(), "the console has ended"
            assert time.monotonic() < deadline, "the console has not started in time"
            time.sleep(0.05)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
