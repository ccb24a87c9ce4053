"""Store events and decisions in Redis, next to the online store, for installations with several machines.

reach:seen:<event_id>     marks a stored event; expires after DEDUP_DAYS
reach:events              stream of events; reach:decisions is the stream of answers
reach:recent:<customer>   hash of the customer's purchases by event_id
reach:interactions:<customer>   hash of the customer's other recent events, by type and product; expires
"""

import json
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.clock import utc_now
from core.event_types import event_types
from core.held import Held
from events.errors import EventLogUnavailableError, OffsetError
from events.event_log import DEDUP_DAYS, LogBatch
from events.group_commit import GroupCommit
from events.offsets import STREAMS, Stream, decode, encode
from events.records import CustomerEvents, Decision, Event, Interaction, Purchase, interaction_of, purchase_of
from events.serialization import StreamRows, as_text, batch_of, rows_to_text
from settings import Settings

KIND = "redis"
READ_TIMEOUT_S = 0.25
"""The longest that a request waits for its customer's purchases; writers and collectors wait longer."""

_RECENT = "reach:recent:"
_INTERACTIONS = "reach:interactions:"
_STREAM: dict[Stream, str] = {"events": "reach:events", "decisions": "reach:decisions"}
_ENTRY = "entry"

# Redis runs a script alone, so the mark of an event and its entry cannot disagree. The newest event about a product
# stays, whatever their order of arrival; of more than the allowed products, the one whose event is oldest goes.
_APPEND = """
local is_new = {}
for i = 5, #ARGV, 7 do
    local id, customer, entry, purchase = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
    local kind, product, interaction = ARGV[i + 4], ARGV[i + 5], ARGV[i + 6]
    if redis.call('SET', 'reach:seen:' .. id, '', 'NX', 'EX', ARGV[1]) then
        if ARGV[2] == '1' then redis.call('XADD', 'reach:events', '*', 'entry', entry) end
        if purchase ~= '' then redis.call('HSET', 'reach:recent:' .. customer, id, purchase) end
        if interaction ~= '' then
            local key, field = 'reach:interactions:' .. customer, kind .. ' ' .. product
            local known = redis.call('HGET', key, field)
            if not known or known < interaction then
                redis.call('HSET', key, field, interaction)
                redis.call('EXPIRE', key, ARGV[4])
            end
            if not known then
                local all, count, oldest = redis.call('HGETALL', key), 0, nil
                for j = 1, #all, 2 do
                    if string.sub(all[j], 1, #kind + 1) == kind .. ' ' then
                        count = count + 1
                        if not oldest or all[j + 1] < all[oldest + 1] then oldest = j end
                    end
                end
                if count > tonumber(ARGV[3]) then redis.call('HDEL', key, all[oldest]) end
            end
        end
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

    def of_customer(self, customer_id: str) -> CustomerEvents:
        """Return the customer's recent events."""
        with self._errors(), self._read_client.pipeline(transaction=False) as pipeline:
            pipeline.hgetall(_RECENT + customer_id)
            pipeline.hgetall(_INTERACTIONS + customer_id)
            bought, did = pipeline.execute()
        return CustomerEvents(
            [_purchase(event_id.decode(), text) for event_id, text in bought.items()],
            [_interaction(field.decode(), text) for field, text in did.items()],
        )

    def evict_materialized(self, as_of: datetime, held: Held) -> int:
        """Delete recent events that lists need no more; return how many."""
        deleted = 0
        with self._errors():
            for key, kept in self._each(_RECENT):
                purchases = [_purchase(event_id.decode(), text) for event_id, text in kept.items()]
                ids = [
                    p.event_id for p in purchases if p.occurred_at < as_of and held.holds(p.occurred_at, p.received_at)
                ]
                deleted += self._delete(key, ids)
            days = {name: declared.days for name, declared in event_types().types.items()}
            for key, kept in self._each(_INTERACTIONS):
                did = {field: _interaction(field.decode(), text) for field, text in kept.items()}
                ended = [
                    field
                    for field, each in did.items()
                    if each.occurred_at < as_of - timedelta(days=days.get(each.event_type, 0.0))
                ]
                deleted += self._delete(key, ended)
        return deleted

    def erase(self, customer_ids: Collection[str]) -> int:
        """Delete the recent events of customers; return how many."""
        keys = [kind + customer_id for customer_id in customer_ids for kind in (_RECENT, _INTERACTIONS)]
        with self._errors():
            deleted = sum(int(self._write_client.hlen(key)) for key in keys)
            if keys:
                self._write_client.delete(*keys)
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
                limits = (event_types().recent.products, int(event_types().longest.total_seconds()))
                self._append(args=[expires, int(self._stores_events), *limits, *arguments], client=pipeline)
            return [[flag == 1 for flag in flags] for flags in pipeline.execute()]

    def _each(self, prefix: str) -> Iterator[tuple[bytes, dict[bytes, bytes]]]:
        for key in self._write_client.scan_iter(match=f"{prefix}*", count=1000):
            yield key, self._write_client.hgetall(key)

    def _delete(self, key: bytes, fields: Sequence[str | bytes]) -> int:
        return int(self._write_client.hdel(key, *fields)) if fields else 0

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


def _arguments(event: Event, received_at: datetime) -> tuple[str, str, str, str, str, str, str]:
    bought, did = purchase_of(event, received_at), interaction_of(event)
    purchase = interaction = ""
    if bought is not None:
        times = (as_text(bought.occurred_at), as_text(bought.received_at))
        purchase = json.dumps([bought.product_id, *times, bought.quantity, bought.price])
    if did is not None:  # the time and the id first: the script compares texts
        interaction = json.dumps([as_text(did.occurred_at), did.event_id, did.rating])
    entry = rows_to_text([event.row(received_at)])
    return event.event_id, event.customer_id, entry, purchase, event.event_type, event.product_id or "", interaction


def _purchase(event_id: str, text: bytes) -> Purchase:
    product_id, occurred, received, quantity, price = json.loads(text)
    return Purchase(
        event_id, product_id, datetime.fromisoformat(occurred), datetime.fromisoformat(received), quantity, price
    )


def _interaction(field: str, text: bytes) -> Interaction:
    event_type, _, product_id = field.partition(" ")
    occurred, event_id, rating = json.loads(text)
    return Interaction(event_id, event_type, product_id, datetime.fromisoformat(occurred), rating)
