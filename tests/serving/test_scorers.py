"""How long a request would wait, and what the door does about it."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from serving.door import RequestDoor
from serving.limits import Limits
from serving.requests import ApiRequest
from serving.scorers import LONGEST, Scorers


class Held:
    """Work that ends when it is told to."""

    def __init__(self) -> None:
        self.running = threading.Event()
        self.end = threading.Event()

    def __call__(self) -> None:
        self.running.set()
        assert self.end.wait(10)


def _after(scorers: Scorers, now: list[float], seconds: list[float], waiting: int) -> float:
    """The expected wait behind `waiting` requests, when work took these `seconds` while others waited."""

    async def ask() -> float:
        works = [Held() for _ in range(len(seconds) + 1 + waiting)]
        asked = [asyncio.create_task(scorers.run(work)) for work in works]
        await asyncio.sleep(0)
        for work, following, took in zip(works, works[1:], seconds, strict=False):
            await asyncio.to_thread(work.running.wait)
            now[0] += took
            work.end.set()
            await asyncio.to_thread(following.running.wait)
        await asyncio.to_thread(works[len(seconds)].running.wait)
        expected = scorers.expected_wait
        for work in works:
            work.end.set()
        await asyncio.gather(*asked)
        return expected

    return asyncio.run(ask())


def test_the_expected_wait_is_how_many_wait_times_how_long_one_takes() -> None:
    now = [0.0]
    scorers = Scorers(1, clock=lambda: now[0])

    # A running mean from 0 with a weight of 1/5 has come to 20 ms within a ten-thousandth after 50 steps.
    assert _after(scorers, now, [0.020] * 50, waiting=7) == pytest.approx(7 * 0.020, rel=1e-3)


def test_moments_in_which_nobody_waits_say_nothing_about_the_speed() -> None:
    now = [0.0]
    scorers = Scorers(1, clock=lambda: now[0])
    _after(scorers, now, [0.020] * 50, waiting=0)
    now[0] += 3600.0  # an hour without a request
    asyncio.run(scorers.run(lambda: None))

    assert _after(scorers, now, [], waiting=7) == pytest.approx(7 * 0.020, rel=1e-3)


def test_a_pause_of_the_machine_does_not_lock_everybody_out() -> None:
    now = [0.0]
    scorers = Scorers(1, clock=lambda: now[0])

    assert _after(scorers, now, [30.0], waiting=1) <= LONGEST


def test_nobody_waits_who_was_given_up() -> None:
    async def ask() -> None:
        scorers = Scorers(1)
        first, works = Held(), [Held() for _ in range(3)]
        running = asyncio.create_task(scorers.run(first))
        await asyncio.to_thread(first.running.wait)
        asked = [asyncio.create_task(scorers.run(work)) for work in works]
        await asyncio.sleep(0)
        for task in asked:
            task.cancel()
        await asyncio.wait(asked)
        scorers._interval = 1.0
        assert scorers.expected_wait == 0.0
        first.end.set()
        await running
        await scorers.run(lambda: None)
        assert scorers.expected_wait == 0.0

    asyncio.run(ask())


class Question(ApiRequest):
    ALLOWED: ClassVar = {"k": "a number"}
    EXAMPLE: ClassVar = {"k": 1}

    k: int


class Report(Question):
    SCORED: ClassVar = False


class Busy(Scorers):
    expected_wait = 0.2  # type: ignore[assignment]


async def _post(door: RequestDoor, path: str, read: Callable[[], None] = lambda: None) -> int:
    """The status of one request; `read` is called when its body is read."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        read()
        return {"type": "http.request", "body": b'{"k": 1}', "more_body": False}

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
    door = RequestDoor(_answer, {"/q": Question}, Busy(1), Limits(wait_seconds=0.1))

    assert asyncio.run(_post(door, "/q", lambda: read.append(True))) == 429
    assert read == []


def test_what_needs_no_scoring_is_let_in_while_scoring_is_busy() -> None:
    door = RequestDoor(_answer, {"/q": Question, "/r": Report}, Busy(1), Limits(wait_seconds=0.1))

    assert asyncio.run(_post(door, "/r")) == 200


def test_no_more_are_inside_than_may_be() -> None:
    door = RequestDoor(_answer, {"/q": Question}, Scorers(1), Limits(requests_inside=3))

    async def ask() -> list[int]:
        return await asyncio.gather(*(_post(door, "/q") for _ in range(5)))

    assert sorted(asyncio.run(ask())) == [200, 200, 200, 429, 429]
    assert sorted(asyncio.run(ask())) == [200, 200, 200, 429, 429], "who has left makes room"
