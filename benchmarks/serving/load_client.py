"""Send requests over kept-alive connections with little processor time, and at random times.

The client shares the machine with the service that it measures. A request costs 0.04 ms of processor time here and
1.5 ms in httpx, so httpx would take the capacity that the benchmarks measure. Code whose cost does not matter uses
httpx.
"""

import asyncio
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, cast

IDLE_SECONDS = 3.0
"""Idle time after which a connection is not used again, because the server closes it after five seconds."""


class Answer(NamedTuple):
    """Hold an HTTP response: status, lower-case header bytes and body."""

    status: int
    head: bytes
    body: bytes


class _Connection(asyncio.Protocol):
    """Send one request at a time on a kept-alive connection. Responses must have a Content-Length."""

    def __init__(self) -> None:
        self.is_open = True
        self.idle_since = 0.0
        self._received = bytearray()
        self._answer: asyncio.Future[Answer] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def send(self, request: bytes) -> asyncio.Future[Answer]:
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._received[:end]).lower()
        length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
        if len(self._received) < end + 4 + length:
            return
        answer = Answer(int(head[9:12]), head, bytes(self._received[end + 4 :]))
        self._received.clear()
        if self._answer and not self._answer.done():
            self._answer.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        if self._answer and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("The service closed the connection."))

    def close(self) -> None:
        self._transport.close()


class LoadClient:
    """Post bodies to a service on loopback, each on an idle connection or on a new one.

    Args:
        port: Port of the service.
        path: Path of every request, unless `post` gets another one.
        key: API key, if the service requires one.
        max_connections: Connections at once at most; a request that finds none free waits. None: no limit.
    """

    def __init__(self, port: int, path: str, key: str | None = None, max_connections: int | None = None):
        self._port = port
        self._path = path
        self._authorization = f"Authorization: Bearer {key}\r\n" if key else ""
        self._idle: deque[_Connection] = deque()
        self._free = None if max_connections is None else asyncio.Semaphore(max_connections)

    async def post(self, body: bytes, path: str | None = None) -> Answer:
        """Return the answer to a JSON body.

        Args:
            body: The body.
            path: Path of this request; the client's path by default.

        Raises:
            OSError: The service did not accept the connection, or closed it before the answer.
        """
        if self._free is None:
            return await self._post(body, path or self._path)
        async with self._free:
            return await self._post(body, path or self._path)

    def close(self) -> None:
        """Close the idle connections."""
        for connection in self._idle:
            connection.close()

    async def _post(self, body: bytes, path: str) -> Answer:
        connection = self._take_idle() or await self._connect()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: x\r\n{self._authorization}Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        try:
            answer = await connection.send(head.encode() + body)
        except BaseException:
            connection.close()  # an answer that arrives later must not be taken for the next request's
            raise
        connection.idle_since = time.perf_counter()
        self._idle.append(connection)
        return answer

    async def _connect(self) -> _Connection:
        _, connection = await asyncio.get_running_loop().create_connection(_Connection, "127.0.0.1", self._port)
        return connection

    def _take_idle(self) -> _Connection | None:
        """Return the connection that was used last; connections left over from a burst are closed."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open and time.perf_counter() - connection.idle_since < IDLE_SECONDS:
                return connection
            connection.close()
        return None


async def at_poisson_times(rate: float, seconds: float, rng: random.Random, start: Callable[[float], None]) -> float:
    """Call a function on the event loop at the times of a Poisson process, whatever the state of earlier calls.

    A thread keeps the time, because the event loop's clock ticks in milliseconds.

    Args:
        rate: Mean number of calls per second.
        seconds: Length of the process.
        rng: Draws the times.
        start: Gets the scheduled time of the call, as of `time.perf_counter`.

    Returns:
        The time at which the process began.
    """
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    arrivals: list[float] = []
    at = rng.expovariate(rate)
    while at < seconds:
        arrivals.append(at)
        at += rng.expovariate(rate)
    begin = time.perf_counter() + 0.05

    def pace() -> None:
        for arrival in arrivals:
            time.sleep(max(begin + arrival - time.perf_counter(), 0.0))
            loop.call_soon_threadsafe(start, begin + arrival)
        loop.call_soon_threadsafe(done.set)

    threading.Thread(target=pace, daemon=True).start()
    await done.wait()
    return begin
