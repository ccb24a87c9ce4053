"""API keys: the parts of an entry, who gets access, and what is never shown."""

import hashlib
import hmac

import pytest

from serving.errors import ApiKeyConfigError, ForbiddenError, RateLimitedError, UnauthorizedError
from serving.middleware.api_keys import ApiKeyStore, entry_for, make_key
from serving.middleware.auth import is_loopback, require_keys
from serving.middleware.rate_limit import TokenBucketLimiter

SHOP, OPERATOR = make_key(), make_key()
ENTRIES = f"{entry_for(SHOP, 'shop', ['recommend', 'events'])} {entry_for(OPERATOR, 'operator', ['admin'])}"


def test_a_key_is_good_for_its_scopes_alone() -> None:
    keys = ApiKeyStore.parse(ENTRIES)

    assert keys.check(f"Bearer {SHOP}", "events").name == "shop"
    with pytest.raises(ForbiddenError, match="has no scope 'admin'; it has events, recommend"):
        keys.check(f"Bearer {SHOP}", "admin")


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", f"Basic {SHOP}", SHOP, f"Bearer {SHOP}x", f"Bearer {SHOP[:-1]}"],
    ids=["nothing", "no key", "empty", "another scheme", "no scheme", "longer", "shorter"],  # keys are random
)
def test_anything_but_a_known_key_is_refused(authorization: str) -> None:
    with pytest.raises(UnauthorizedError):
        ApiKeyStore.parse(ENTRIES).check(authorization, "recommend")


def test_every_entry_is_compared_in_constant_time_whichever_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []
    compare = hmac.compare_digest

    def counted(known: bytes, sent: bytes) -> bool:
        compared.append(known)
        return compare(known, sent)

    monkeypatch.setattr(hmac, "compare_digest", counted)
    ApiKeyStore.parse(ENTRIES).check(f"Bearer {SHOP}", "recommend")

    assert compared == [hashlib.sha256(key.encode()).digest() for key in (SHOP, OPERATOR)]


def test_entries_are_separated_by_spaces_commas_or_lines() -> None:
    first, second = ENTRIES.split()
    for text in (f"{first},{second}", f"{first}\n{second}\n", f" {first} , {second} "):
        assert ApiKeyStore.parse(text).check(f"bearer {OPERATOR}", "admin").name == "operator"


def test_no_entry_means_no_keys() -> None:
    assert not ApiKeyStore.parse(None)
    assert not ApiKeyStore.parse("  ")


def test_an_entry_that_is_a_key_in_clear_is_refused_without_being_repeated() -> None:
    with pytest.raises(ApiKeyConfigError, match=r"Entry 2 of REACH_API_KEYS is not of the form name:scope") as caught:
        ApiKeyStore.parse(f"{ENTRIES.split()[0]} shop2:recommend:{SHOP}")
    assert SHOP not in str(caught.value)


def test_a_misspelt_scope_and_a_name_used_twice_are_named() -> None:
    with pytest.raises(
        ApiKeyConfigError,
        match=r"gives 'shop' the scope 'recomend'; the scopes are recommend, events, marketing, testing, admin",
    ):
        ApiKeyStore.parse(f"shop:recomend:{'0' * 64}")
    with pytest.raises(ApiKeyConfigError, match="names 'shop' twice"):
        ApiKeyStore.parse(f"shop:recommend:{'0' * 64} shop:admin:{'1' * 64}")


@pytest.mark.parametrize("key", ["secret", "x" * 31, "x" * 40 + " y", "ü" * 40])
def test_a_key_that_could_be_guessed_or_not_be_sent_is_not_hashed(key: str) -> None:
    with pytest.raises(ApiKeyConfigError, match="at least 32 printable ASCII characters"):
        entry_for(key, "shop", ["recommend"])


def test_made_keys_differ() -> None:
    assert make_key() != make_key()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "10.0.0.1", "shop.example"])
def test_without_keys_only_loopback_may_be_listened_on(host: str) -> None:
    with pytest.raises(ApiKeyConfigError, match=f"loopback only, not on {host}"):
        require_keys(ApiKeyStore.parse(None), host)
    require_keys(ApiKeyStore.parse(ENTRIES), host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost", "/run/reach.sock"])
def test_loopback_needs_no_keys(host: str) -> None:
    require_keys(ApiKeyStore.parse(None), host)
    assert is_loopback(host)


def test_a_key_may_burst_and_then_asks_at_its_rate_while_others_are_not_held_up() -> None:
    now = [100.0]
    limit = TokenBucketLimiter(0.5, clock=lambda: now[0])  # one request every two seconds, a bucket of one
    limit.take("shop")
    with pytest.raises(RateLimitedError) as caught:
        limit.take("shop")
    assert caught.value.headers() == {"Retry-After": "2"}
    limit.take("another")
    now[0] += 1.0
    with pytest.raises(RateLimitedError):
        limit.take("shop")
    now[0] += 1.0
    limit.take("shop")
    now[0] += 1000.0  # a bucket never holds more than its burst
    limit.take("shop")
    with pytest.raises(RateLimitedError):
        limit.take("shop")
