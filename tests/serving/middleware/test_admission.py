"""How long a request would wait, and what the door does about it."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from serving.api.schemas import RecommendRequest
from serving.api.validation import ApiRequest
from serving.config import ServiceConfig
from serving.handlers.events import EventsRequest
from serving.middleware.admission import MAX_INTERVAL_S, ConcurrencyLimiter
from serving.middleware.request_validation import RequestValidationMiddleware


class Queue:
    """Requests at the slots, each with a given duration, by a clock that only tests move."""

    def __init__(self, count: int):
        self.now = 0.0
        self.limiter = ConcurrencyLimiter(count, clock=lambda: self.now)

    async def expected_behind(self, waiting: int, seconds: list[float]) -> float:
        """The expected wait behind `waiting` requests, when those before them took these `seconds`."""
        ends = [asyncio.Event() for _ in range(len(seconds) + 1 + waiting)]

        async def request(end: asyncio.Event) -> None:
            async with self.limiter:
                await end.wait()

        requests = [asyncio.create_task(request(end)) for end in ends]
        for end, took in zip(ends, seconds, strict=False):
            await _settle()
            self.now += took
            end.set()
        await _settle()
        expected = self.limiter.estimated_wait
        for end in ends:
            end.set()
        await asyncio.gather(*requests)
        return expected


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_the_expected_wait_is_how_many_wait_times_how_long_one_takes() -> None:
    # A running mean from 0 with a weight of 1/5 has come to 20 ms within a ten-thousandth after 50 steps.
    expected = asyncio.run(Queue(1).expected_behind(7, [0.020] * 50))

    assert expected == pytest.approx(7 * 0.020, rel=1e-3)


def test_moments_in_which_nobody_waits_say_nothing_about_the_speed() -> None:
    async def ask() -> float:
        queue = Queue(1)
        await queue.expected_behind(0, [0.020] * 50)
        queue.now += 3600.0  # an hour without a request
        await queue.expected_behind(0, [])
        return await queue.expected_behind(7, [])

    assert asyncio.run(ask()) == pytest.approx(7 * 0.020, rel=1e-3)


def test_a_pause_of_the_machine_does_not_lock_everybody_out() -> None:
    assert asyncio.run(Queue(1).expected_behind(1, [30.0])) <= MAX_INTERVAL_S


def test_who_is_given_up_while_waiting_waits_no_longer_and_keeps_no_place() -> None:
    async def ask() -> float:
        queue = Queue(1)
        await queue.expected_behind(0, [0.020] * 50)
        end = asyncio.Event()

        async def request() -> None:
            async with queue.limiter:
                await end.wait()

        first, *others = (asyncio.create_task(request()) for _ in range(4))
        await _settle()
        for other in others:
            other.cancel()
        await asyncio.wait(others)
        expected = queue.limiter.estimated_wait
        end.set()
        await first
        async with asyncio.timeout(1):
            await request()
        return expected

    assert asyncio.run(ask()) == 0.0


def test_no_more_are_answered_at_once_than_there_are_slots() -> None:
    inside: list[int] = []

    async def ask() -> None:
        limiter, now = ConcurrencyLimiter(3), 0

        async def request() -> None:
            nonlocal now
            async with limiter:
                now += 1
                inside.append(now)
                await asyncio.sleep(0)
                now -= 1

        await asyncio.gather(*(request() for _ in range(20)))

    asyncio.run(ask())
    assert max(inside) == 3


class Question(ApiRequest):
    EXAMPLE: ClassVar = {"k": 1}

    k: int


class Report(Question):
    USES_SCORING_SLOT: ClassVar = False


class Full(ConcurrencyLimiter):
    estimated_wait = 0.3


async def _post(
    door: RequestValidationMiddleware, path: str, read: Callable[[], None] = lambda: None, body: bytes = b'{"k": 1}'
) -> int:
    """The status of one request; `read` is called when its body is read."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        read()
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "headers": [(b"content-type", b"application/json")]}
    await door(scope, receive, send)
    if sent[0]["status"] == 429:
        assert (b"retry-after", b"1") in sent[0]["headers"]
    status: int = sent[0]["status"]
    return status


async def _answer(scope: Any, receive: Any, send: Any) -> None:
    await asyncio.sleep(0)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def test_who_would_wait_too_long_is_turned_away_before_the_body_is_read() -> None:
    read: list[bool] = []
    door = RequestValidationMiddleware(_answer, {"/q": Question}, Full(1), ServiceConfig())

    assert asyncio.run(_post(door, "/q", lambda: read.append(True))) == 429
    assert read == []


def test_what_needs_no_place_is_let_in_while_all_are_full() -> None:
    door = RequestValidationMiddleware(_answer, {"/q": Question, "/r": Report}, Full(1), ServiceConfig())

    assert asyncio.run(_post(door, "/r")) == 200


def test_events_are_taken_while_lists_are_shed() -> None:
    door = RequestValidationMiddleware(
        _answer, {"/events": EventsRequest, "/recommend": RecommendRequest}, Full(1), ServiceConfig()
    )

    assert asyncio.run(_post(door, "/events", body=json.dumps(EventsRequest.EXAMPLE).encode())) == 200
    assert asyncio.run(_post(door, "/recommend", body=json.dumps(RecommendRequest.EXAMPLE).encode())) == 429


def test_no_more_are_inside_than_may_be() -> None:
    door = RequestValidationMiddleware(_answer, {"/q": Question}, ConcurrencyLimiter(1), ServiceConfig(max_in_flight=3))

    async def ask() -> list[int]:
        return await asyncio.gather(*(_post(door, "/q") for _ in range(5)))

    assert sorted(asyncio.run(ask())) == [200, 200, 200, 429, 429]
    assert sorted(asyncio.run(ask())) == [200, 200, 200, 429, 429], "who has left makes room"


def test_a_store_that_hangs_is_not_taken_for_an_overload() -> None:
    config = ServiceConfig()

    assert config.max_queue_wait_s > config.feature_timeout_s
