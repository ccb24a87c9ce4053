"""A link withdraws one consent, and shows no customer."""

import pytest

from outbox.customers.records import Consent, erase, record_consents
from outbox.customers.unsubscribe import UnsubscribeLinks, redeem, token_of
from outbox.errors import DeliveryError, TokenError
from outbox.history import consents_at
from outbox.planning import enqueue
from outbox.store import Store
from tests.support.outbox.plans import NOON, a_plan, planned, reachable
from tests.support.outbox.rows import message_of

KEY = "k" * 32
LATER = NOON.replace(year=2036)


def granted(store: Store) -> dict[tuple[str, str], bool]:
    rows = consents_at(store, LATER).to_pylist()
    return {(row["customer_id"], row["purpose"]): row["granted"] for row in rows}


def test_a_link_withdraws_the_consent_to_the_messages_purpose_and_a_second_click_nothing(store: Store) -> None:
    reachable(store, "a", "b")
    record_consents(store, [Consent("a", "email", "research", True, NOON, "test")])
    enqueue(store, a_plan([planned("a"), planned("b")]))
    token = token_of(message_of(store, "a")["message_id"], KEY)
    assert "a@" not in token

    redeem(store, token, KEY)
    redeem(store, token, KEY)

    assert granted(store) == {("a", "marketing"): False, ("a", "research"): True, ("b", "marketing"): True}


@pytest.mark.parametrize(
    "damage", [lambda t: t[:-1] + "A=", lambda t: "x" + t, lambda t: "", lambda t: t.replace(".", "")]
)
def test_a_damaged_token_changes_nothing(store: Store, damage) -> None:
    reachable(store, "a")
    enqueue(store, a_plan([planned("a")]))
    token = token_of(message_of(store, "a")["message_id"], KEY)
    with pytest.raises(TokenError, match="damaged or was signed with another key"):
        redeem(store, damage(token), KEY)
    with pytest.raises(TokenError):
        redeem(store, token, "another key, also of 32 bytes ...")
    assert granted(store) == {("a", "marketing"): True}


def test_a_token_of_another_store_is_named(store: Store) -> None:
    with pytest.raises(TokenError, match="not in the outbox"):
        redeem(store, token_of("m1", KEY), KEY)


def test_the_link_of_an_erased_customer_writes_nothing(store: Store) -> None:
    reachable(store, "a")
    enqueue(store, a_plan([planned("a")]))
    token = token_of(message_of(store, "a")["message_id"], KEY)
    erase(store, "a")
    redeem(store, token, KEY)
    assert granted(store) == {}


@pytest.mark.parametrize("url", ["", "shop.example/u", "https://shop.example/u?x=1", "ftp://shop.example"])
def test_an_address_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(DeliveryError, match="REACH_UNSUBSCRIBE_URL"):
        UnsubscribeLinks(url, KEY)


def test_a_short_key_is_refused_with_a_command_that_makes_one() -> None:
    with pytest.raises(DeliveryError, match=r"REACH_UNSUBSCRIBE_KEY.*Create one: python -c"):
        UnsubscribeLinks("https://shop.example/u", "short")
