"""Store events and decisions in Redis, next to the online store, for installations with several machines.

reach:seen:<event_id>     marks a stored event; expires after DEDUP_DAYS
reach:events              stream of events; reach:decisions is the stream of answers
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
from events.errors import EventLogUnavailableError, OffsetError
from events.event_log import DEDUP_DAYS, LogBatch
from events.group_commit import GroupCommit
from events.offsets import STREAMS, Stream, decode, encode
from events.records import Decision, Event, Purchase, purchase_of
from events.serialization import StreamRows, as_text, batch_of, rows_to_text
from settings import Settings

KIND = "redis"
READ_TIMEOUT_S = 0.25
"""The longest that a request waits for its customer's purchases; writers and collectors wait longer."""

_RECENT = "reach:recent:"
_STREAM: dict[Stream, str] = {"events": "reach:events", "decisions": "reach:decisions"}
_ENTRY = "entry"

# Redis runs a script alone, so the mark of an event and its entry cannot disagree.
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


class RedisEventLog:
    """An event log in Redis; an entry is a JSON array of the rows of one event or of one answer.

    An answer has a row for each of its products and experiments.

    Args:
        settings: Address and password of Redis.
        timeout_s: How long a write waits for Redis.
        stores_events: Whether events are stored for `read_from`; False if they are in Kafka.
    """

    def __init__(self, settings: Settings, timeout_s: float, stores_events: bool = True):
        self._address = settings.redis
        self._stores_events = stores_events
        self._write_client = _connect(settings, timeout_s)
        self._read_client = _connect(settings, min(timeout_s, READ_TIMEOUT_S))
        self._append = self._write_client.register_script(_APPEND)
        self._group = GroupCommit(self._write)

    def append(self, events: Sequence[Event]) -> Future[list[bool]]:
        """Store a batch; see `EventLog.append`."""
        return self._group.append(events)

    def append_decisions(self, decisions: Sequence[Decision]) -> None:
        """Store decisions; see `EventLog.append_decisions`."""
        with self._errors(), self._write_client.pipeline(transaction=False) as pipeline:
            for decision in decisions:
                pipeline.xadd(_STREAM["decisions"], {_ENTRY: rows_to_text(decision.rows())})
            pipeline.execute()

    def of_customer(self, customer_id: str) -> list[Purchase]:
        """Return the customer's recent purchases."""
        with self._errors():
            found: dict[bytes, bytes] = self._read_client.hgetall(_RECENT + customer_id)
        return [_purchase(event_id.decode(), text) for event_id, text in found.items()]

    def evict_materialized(self, as_of: datetime, held: Held) -> int:
        """Delete recent purchases that the feature tables contain; return how many."""
        deleted = 0
        with self._errors():
            for key in self._write_client.scan_iter(match=f"{_RECENT}*", count=1000):
                kept: dict[bytes, bytes] = self._write_client.hgetall(key)
                purchases = [_purchase(event_id.decode(), text) for event_id, text in kept.items()]
                ids = [
                    p.event_id for p in purchases if p.occurred_at < as_of and held.holds(p.occurred_at, p.received_at)
                ]
                if ids:
                    deleted += int(self._write_client.hdel(key, *ids))
        return deleted

    def read_from(self, position: str | None, limit: int = 1000) -> LogBatch:
        """Return about `limit` rows after the position; see `EventLog.read_from`."""
        offsets = decode(KIND, position)
        found = {stream: StreamRows(stream) for stream in STREAMS}
        with self._errors(position):
            for stream in STREAMS:
                after = f"({offsets[stream]}" if stream in offsets else "-"
                for number, fields in self._write_client.xrange(_STREAM[stream], min=after, count=limit):
                    found[stream].add(fields.get(_ENTRY.encode()))
                    offsets[stream] = number.decode()
                    if len(found[stream]) >= limit:
                        break
        return batch_of(found, encode(KIND, offsets))

    def truncate_before(self, position: str) -> int:
        """Delete the entries before a position; return how many."""
        deleted = 0
        with self._errors(position):
            for stream, offset in decode(KIND, position).items():
                milliseconds, _, number = offset.partition("-")
                kept_from = f"{milliseconds}-{int(number or 0) + 1}"
                deleted += int(self._write_client.xtrim(f"reach:{stream}", minid=kept_from, approximate=False))
        return deleted

    def close(self) -> None:
        """Write what waits, then release files and connections."""
        self._group.close()
        self._write_client.close()
        self._read_client.close()

    def _write(self, batches: Sequence[Sequence[Event]]) -> list[list[bool]]:
        """Run one script per batch, all of them in one round trip."""
        received_at = utc_now()
        with self._errors(), self._write_client.pipeline(transaction=False) as pipeline:
            for batch in batches:
                arguments = [part for event in batch for part in _arguments(event, received_at)]
                expires = int(timedelta(days=DEDUP_DAYS).total_seconds())
                self._append(args=[expires, int(self._stores_events), *arguments], client=pipeline)
            return [[flag == 1 for flag in flags] for flags in pipeline.execute()]

    @contextmanager
    def _errors(self, position: str | None = None) -> Iterator[None]:
        try:
            yield
        except (redis.ResponseError, ValueError) as error:
            if position is None:
                raise EventLogUnavailableError(f"Redis at {self._address} refuses the event log: {error}.") from error
            raise OffsetError(f"{position!r} is not a position in an event log in {KIND}: {error}.") from error
        except redis.RedisError as error:
            raise EventLogUnavailableError(
                f"Redis at {self._address} does not answer the event log: {type(error).__name__}."
            ) from error


def _connect(settings: Settings, timeout_s: float) -> Any:  # the client's types mix in its asynchronous twin
    host, _, port = settings.redis.rpartition(":")
    return redis.Redis(
        host=host,
        port=int(port),
        password=settings.redis_password.get_secret_value() if settings.redis_password else None,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
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
