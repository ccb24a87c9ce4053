"""A real HTTP receiver on loopback that verifies signatures and ignores repeated ids, as a good receiver does."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr"


class Receiver:
    """Statuses to answer with, and the deliveries taken.

    Attributes:
        statuses: the next answers; 204 when the list is empty. 0 breaks the connection after the body was read.
        calls: the id of each request, also of repeated ones.
        taken: the data by id.
    """

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.calls: list[str] = []
        self.taken: dict[str, Any] = {}
        self.url = ""


@contextmanager
def webhook_receiver() -> Iterator[Receiver]:
    """Start the receiver on a free port."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            data = Webhook(SECRET).verify(body, dict(self.headers.items()))
            receiver.calls.append(self.headers["webhook-id"])
            status = receiver.statuses.pop(0) if receiver.statuses else 204
            if status in (0, 204):
                receiver.taken[self.headers["webhook-id"]] = data
            if status == 0:
                self.connection.close()
                return
            self.send_response(status)
            self.send_header("location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def body_of(receiver: Receiver, message_id: str) -> dict[str, Any]:
    """The data of a delivery."""
    found: dict[str, Any] = json.loads(json.dumps(receiver.taken[message_id]["data"]))
    return found
