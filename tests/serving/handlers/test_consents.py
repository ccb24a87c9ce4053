"""An answer of a customer is in the outbox before the response, and the newest one counts."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.clock import utc_now
from outbox.customers.records import Consent, record_consents
from outbox.errors import StoreBusyError
from outbox.history import consents_at
from outbox.store import Store, open_store
from serving.config import CONFIG
from serving.errors import BadRequestError, ConsentsUnavailableError, FutureEventError, UnknownPurposeError
from serving.handlers.consents import ConsentRequest, ConsentResponse, ConsentsHandler

LATER = datetime(2100, 1, 1)
YES = {"customer_id": 1250, "channel": "email", "purpose": "marketing", "granted": True}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = open_store(f"sqlite:///{tmp_path}/outbox.db")
    yield found
    found.close()


@pytest.fixture
def handler(store: Store) -> ConsentsHandler:
    return ConsentsHandler(lambda: store, None, CONFIG)


def answer(handler: ConsentsHandler, **changed: Any) -> ConsentResponse:
    return asyncio.run(handler.record(ConsentRequest.parse(json.dumps({**YES, **changed}).encode())))


def test_a_yes_and_a_later_no_are_stored_and_the_no_counts(handler: ConsentsHandler, store: Store) -> None:
    assert answer(handler, since="2018-01-01T13:00:00+01:00") == ConsentResponse(
        granted=True, since=datetime(2018, 1, 1, 12, tzinfo=UTC)
    )
    assert answer(handler, granted=False).granted is False
    found = consents_at(store, LATER).to_pylist()
    assert [(row["customer_id"], row["channel"], row["purpose"], row["granted"]) for row in found] == [
        ("1250", "email", "marketing", False)
    ]


def test_a_newer_answer_of_the_landing_counts_and_the_response_names_it(handler: ConsentsHandler, store: Store) -> None:
    record_consents(store, [Consent("1250", "email", "marketing", True, datetime(2018, 3, 1), "landing")])
    found = answer(handler, granted=False, since="2018-01-01T12:00:00Z")
    assert found == ConsentResponse(granted=True, since=datetime(2018, 3, 1, tzinfo=UTC))


def test_the_clock_of_a_sender_that_runs_ahead_does_not_outdo_the_next_answer(handler: ConsentsHandler) -> None:
    soon = (datetime.now(UTC) + timedelta(minutes=3)).isoformat()
    assert answer(handler, since=soon).since.replace(tzinfo=None) <= utc_now()
    assert answer(handler, granted=False).granted is False


@pytest.mark.parametrize("since", ["2099-01-01T00:00:00Z", "1970-01-01T00:00:00Z"])
def test_an_impossible_time_stores_nothing(handler: ConsentsHandler, store: Store, since: str) -> None:
    with pytest.raises(FutureEventError, match="nothing was stored"):
        answer(handler, since=since)
    assert len(consents_at(store, LATER)) == 0


@pytest.mark.parametrize(("field", "value"), [("channel", "Fax"), ("purpose", "adverts")])
def test_a_name_that_the_policy_does_not_have_is_refused_because_nothing_would_ask_for_it(
    handler: ConsentsHandler, store: Store, field: str, value: str
) -> None:
    with pytest.raises(UnknownPurposeError, match=f"'{field}': expected .*'(email|marketing)'"):
        answer(handler, **{field: value})
    assert len(consents_at(store, LATER)) == 0


@pytest.mark.parametrize("granted", ["yes", 1, None])
def test_only_true_and_false_are_answers(granted: Any) -> None:
    with pytest.raises(BadRequestError, match="true or false"):
        ConsentRequest.parse(json.dumps({**YES, "granted": granted}).encode())


def test_a_store_that_cannot_be_written_asks_for_the_answer_again_without_its_address() -> None:
    def busy() -> Store:
        raise StoreBusyError("Another process holds the outbox postgresql://shop@db/outbox.")

    with pytest.raises(ConsentsUnavailableError, match="Send it again") as caught:
        answer(ConsentsHandler(busy, None, CONFIG))
    assert "postgresql" not in str(caught.value)
