"""The link of a message opens a page, and one POST withdraws the consent: no key, no cookie, no redirect."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.responses import PlainTextResponse

from outbox.customers.unsubscribe import token_of
from outbox.errors import StoreError
from outbox.history import consents_at
from outbox.planning import enqueue
from outbox.store import Store, open_store
from serving.middleware.allowed_paths import AllowedPathsMiddleware
from serving.middleware.api_keys import ApiKeyStore, entry_for, make_key
from serving.middleware.auth import ApiKeyMiddleware
from serving.middleware.rate_limit import TokenBucketLimiter
from serving.middleware.unsubscribe import UnsubscribeMiddleware
from tests.support.outbox.plans import NOON, a_plan, planned, reachable
from tests.support.outbox.rows import message_of

KEY = "k" * 32
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = open_store(f"sqlite:///{tmp_path}/outbox.db")
    reachable(found, "anna-17")
    enqueue(found, a_plan([planned("anna-17")]))
    yield found
    found.close()


@pytest.fixture
def token(store: Store) -> str:
    return token_of(message_of(store, "anna-17")["message_id"], KEY)


def ask(store: Store | Exception, method: str, token: str, key: str | None = KEY) -> httpx.Response:
    """Ask the application as the service wraps it, with API keys that the request does not have."""

    def opened() -> Store:
        if isinstance(store, Exception):
            raise store
        return store

    app = AllowedPathsMiddleware(UnsubscribeMiddleware(PlainTextResponse("behind"), opened, key), ["/recommend"])
    keys = ApiKeyStore.parse(entry_for(make_key(), "shop", ["recommend"]))
    guarded = ApiKeyMiddleware(app, keys, {}, TokenBucketLimiter(1))

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(guarded)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            body = ONE_CLICK if method == "POST" else None
            return await client.request(method, "/unsubscribe", params={"token": token}, data=body)

    return asyncio.run(asked())


def granted(store: Store) -> list[bool]:
    found: list[bool] = consents_at(store, NOON.replace(year=2100))["granted"].to_pylist()
    return found


def test_one_post_withdraws_and_a_second_one_is_answered_alike(store: Store, token: str) -> None:
    for _ in range(2):
        answer = ask(store, "POST", token)
        assert (answer.status_code, granted(store)) == (200, [False])
        assert "set-cookie" not in answer.headers
        assert "anna" not in answer.text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_program_that_opens_links_withdraws_nothing(store: Store, token: str, method: str) -> None:
    answer = ask(store, method, token)
    assert (answer.status_code, granted(store)) == (200, [True])
    assert answer.headers["cache-control"] == "no-store"
    if method == "GET":
        assert f'method="post" action="?token={token}"' in answer.text


def test_the_page_shows_no_markup_of_a_link(store: Store) -> None:
    assert "<script" not in ask(store, "GET", '"><script>alert(1)</script>').text


@pytest.mark.parametrize("key", [KEY, None])
def test_a_damaged_link_and_one_of_a_shop_without_links_withdraw_nothing(
    store: Store, token: str, key: str | None
) -> None:
    answer = ask(store, "POST", token if key is None else token[:-2] + "xx", key)
    assert (answer.status_code, granted(store)) == (400, [True])


def test_a_store_that_cannot_be_opened_asks_to_try_again(store: Store, token: str) -> None:
    answer = ask(StoreError("The outbox postgresql://shop@db/outbox does not answer."), "POST", token)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert "postgresql" not in answer.text


def test_another_method_and_another_path_are_not_answered_here(store: Store, token: str) -> None:
    assert ask(store, "DELETE", token).status_code == 405


def test_guessed_tokens_are_limited_and_take_no_click_away(store: Store, token: str) -> None:
    limiter = TokenBucketLimiter(1, clock=lambda: 0.0)

    def opened() -> Store:
        return store

    app = UnsubscribeMiddleware(PlainTextResponse("behind"), opened, KEY, limiter)

    async def asked() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
            tokens = ["x", "y", "z", token, token, token]
            return [await client.post("/unsubscribe", params={"token": one}, data=ONE_CLICK) for one in tokens]

    answers = asyncio.run(asked())
    assert [answer.status_code for answer in answers] == [400, 400, 429, 200, 200, 429]
    assert answers[2].headers["retry-after"] == "1"
    assert "Try again" in answers[2].text
    assert granted(store) == [False]
