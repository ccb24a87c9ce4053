"""The journal of several machines: Redis, beside the online store.

reach:seen:<event_id>     that the event was kept; expires after SEEN_DAYS
reach:events              stream of events; reach:decisions: of answers
reach:recent:<customer>   hash of the customer's purchases by event_id
"""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.clock import utc_now
from core.held import Held
from events.errors import CursorError, JournalUnavailableError
from events.event_log import SEEN_DAYS, Page
from events.group_commit import GroupCommit
from events.offsets import STREAMS, Stream, cursor_of, places_in
from events.records import Decision, Event, Purchase, purchase_of
from events.serialization import Rows, as_text, page_of, rows_to_text
from settings import Settings

KIND = "redis"
READ_SECONDS = 0.25
"""A request waits for its customer's purchases no longer than this; writers and collectors are more patient."""

_RECENT = "reach:recent:"
_STREAM: dict[Stream, str] = {"events": "reach:events", "decisions": "reach:decisions"}
_ENTRY = "entry"

# A script runs alone: whether an event was seen and what is kept of it cannot disagree.
_APPEND = """
local is_new = {}
for i = 3, #ARGV, 4 do
    local id, customer, entry, purchase = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
    if redis.call('SET', 'reach:seen:' .. id, '', 'NX', 'EX', ARGV[1]) then
        if ARGV[2] == '1' then redis.call('XADD', 'reach:events', '*', 'entry', entry) end
        if purchase ~= '' then redis.call('HSET', 'reach:recent:' .. customer, id, purchase) end
        is_new[#is_new + 1] = 1
    else
        is_new[#is_new + 1] = 0
    end
end
return is_new
"""


class RedisJournal:
    """An entry is a JSON array of rows: of one event, or of one answer's products.

    has_log: whether the events themselves are kept for `read_after`; not if they are in Kafka.
    """

    def __init__(self, settings: Settings, timeout_seconds: float, has_log: bool = True):
        self._address = settings.redis
        self._has_log = has_log
        self._patient = _connect(settings, timeout_seconds)
        self._quick = _connect(settings, min(timeout_seconds, READ_SECONDS))
        self._append = self._patient.register_script(_APPEND)
        self._group = GroupCommit(self._write)

    def append(self, events: Sequence[Event]) -> Future[list[bool]]:
        return self._group.append(events)

    def append_decisions(self, decisions: Sequence[Decision]) -> None:
        with self._errors(), self._patient.pipeline(transaction=False) as pipeline:
            for decision in decisions:
                pipeline.xadd(_STREAM["decisions"], {_ENTRY: rows_to_text(decision.rows())})
            pipeline.execute()

    def of_customer(self, customer_id: str) -> list[Purchase]:
        with self._errors():
            found: dict[bytes, bytes] = self._quick.hgetall(_RECENT + customer_id)
        return [_purchase(event_id.decode(), text) for event_id, text in found.items()]

    def forget_contained(self, as_of: datetime, held: Held) -> int:
        forgotten = 0
        with self._errors():
            for key in self._patient.scan_iter(match=f"{_RECENT}*", count=1000):
                kept: dict[bytes, bytes] = self._patient.hgetall(key)
                purchases = [_purchase(event_id.decode(), text) for event_id, text in kept.items()]
                ids = [
                    p.event_id for p in purchases if p.occurred_at < as_of and held.holds(p.occurred_at, p.received_at)
                ]
                if ids:
                    forgotten += int(self._patient.hdel(key, *ids))
        return forgotten

    def read_after(self, cursor: str | None, limit: int = 1000) -> Page:
        places = places_in(KIND, cursor)
        found = {stream: Rows(stream) for stream in STREAMS}
        with self._errors(cursor):
            for stream in STREAMS:
                after = f"({places[stream]}" if stream in places else "-"
                for number, fields in self._patient.xrange(_STREAM[stream], min=after, count=limit):
                    found[stream].add(fields.get(_ENTRY.encode()))
                    places[stream] = number.decode()
                    if len(found[stream]) >= limit:
                        break
        return page_of(found, cursor_of(KIND, places))

    def forget_collected(self, cursor: str) -> int:
        forgotten = 0
        with self._errors(cursor):
            for stream, place in places_in(KIND, cursor).items():
                milliseconds, _, number = place.partition("-")
                kept_from = f"{milliseconds}-{int(number or 0) + 1}"
                forgotten += int(self._patient.xtrim(f"reach:{stream}", minid=kept_from, approximate=False))
        return forgotten

    def close(self) -> None:
        self._group.close()
        self._patient.close()
        self._quick.close()

    def _write(self, batches: Sequence[Sequence[Event]]) -> list[list[bool]]:
        """Each batch one script, all of them one round trip."""
        received_at = utc_now()
        with self._errors(), self._patient.pipeline(transaction=False) as pipeline:
            for batch in batches:
                arguments = [part for event in batch for part in _arguments(event, received_at)]
                expires = int(timedelta(days=SEEN_DAYS).total_seconds())
                self._append(args=[expires, int(self._has_log), *arguments], client=pipeline)
            return [[flag == 1 for flag in flags] for flags in pipeline.execute()]

    @contextmanager
    def _errors(self, cursor: str | None = None) -> Iterator[None]:
        try:
            yield
        except (redis.ResponseError, ValueError) as error:
            if cursor is None:
                raise JournalUnavailableError(f"Redis at {self._address} refuses the journal: {error}.") from error
            raise CursorError(f"{cursor!r} is no cursor of a journal in {KIND}: {error}.") from error
        except redis.RedisError as error:
            raise JournalUnavailableError(
                f"Redis at {self._address} does not answer the journal: {type(error).__name__}."
            ) from error


def _connect(settings: Settings, timeout_seconds: float) -> Any:  # the client's types mix in its asynchronous twin
    host, _, port = settings.redis.rpartition(":")
    return redis.Redis(
        host=host,
        port=int(port),
        password=settings.redis_password.get_secret_value() if settings.redis_password else None,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        # Once more after a restart of Redis, whose old connections are dead; never after a timeout.
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )


def _arguments(event: Event, received_at: datetime) -> tuple[str, str, str, str]:
    purchase = ""
    if event.event_type == "purchase":
        bought = purchase_of(event, received_at)
        times = (as_text(bought.occurred_at), as_text(bought.received_at))
        purchase = json.dumps([bought.product_id, *times, bought.quantity, bought.price])
    return event.event_id, event.customer_id, rows_to_text([event.row(received_at)]), purchase


def _purchase(event_id: str, text: bytes) -> Purchase:
    product_id, occurred, received, quantity, price = json.loads(text)
    return Purchase(
        event_id, product_id, datetime.fromisoformat(occurred), datetime.fromisoformat(received), quantity, price
    )
