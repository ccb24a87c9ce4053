"""Store events and decisions in Kafka: topics `reach.events` and `reach.decisions`, keyed by customer.

Recent events stay next to the online store, because Kafka cannot be queried for one customer.
"""

import time
import uuid
from collections.abc import Collection, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any

from core.clock import utc_now
from core.held import Held
from events.errors import EventLogUnavailableError, KafkaMissingError, OffsetError
from events.event_log import LogBatch, RecentEvents
from events.group_commit import GroupCommit
from events.offsets import STREAMS, Stream, decode, encode
from events.records import CustomerEvents, Decision, Event
from events.serialization import StreamRows, batch_of, rows_to_text

try:
    from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
except ImportError as error:
    raise KafkaMissingError(
        "REACH_KAFKA_BOOTSTRAP_SERVERS is set, but Kafka's client is not installed. Run 'uv sync --group kafka'."
    ) from error

KIND = "kafka"
TIMEOUT_S = 10.0
"""How long Kafka may take to acknowledge a write, and to return what it has."""

_TOPIC: dict[Stream, str] = {"events": "reach.events", "decisions": "reach.decisions"}


class KafkaEventLog:
    """An event log in Kafka; a message is a JSON array of the rows of one event or of one answer.

    An answer has a row for each of its products and experiments.

    A batch goes to Kafka first, then to the recent events. If the second step fails, the batch is not acknowledged,
    so it is sent again and is in Kafka twice. Readers count by `event_id`.
    """

    def __init__(self, servers: str, recent: RecentEvents):
        self._servers = servers
        self._recent = recent
        self._events: Any = None
        self._decisions: Any = None
        self._group = GroupCommit(self._write)

    def append(self, events: Sequence[Event]) -> Future[list[bool]]:
        """Store a batch; see `EventLog.append`."""
        return self._group.append(events)

    def of_customer(self, customer_id: str) -> CustomerEvents:
        """Return the customer's recent events."""
        return self._recent.of_customer(customer_id)

    def evict_materialized(self, as_of: datetime, held: Held) -> int:
        """Delete recent events that lists need no more; return how many."""
        return self._recent.evict_materialized(as_of, held)

    def erase(self, customer_ids: Collection[str]) -> int:
        """Delete the recent events of customers; return how many. Kafka deletes by its own retention."""
        return self._recent.erase(customer_ids)

    def append_decisions(self, decisions: Sequence[Decision]) -> None:
        """Store decisions; see `EventLog.append_decisions`."""
        if self._decisions is None:
            self._decisions = Producer(self._config() | {"message.timeout.ms": int(TIMEOUT_S * 1000)})
        lost: list[Any] = []

        def delivered(failure: Any, _message: Any) -> None:
            if failure is not None:
                lost.append(failure)

        try:
            for decision in decisions:
                message = rows_to_text(decision.rows())
                self._decisions.produce(_TOPIC["decisions"], message, decision.customer_id, on_delivery=delivered)
            waiting = self._decisions.flush(TIMEOUT_S)
        except (KafkaException, BufferError) as error:
            raise self._unavailable(error) from error
        if lost or waiting:
            raise self._unavailable(lost[0] if lost else f"{waiting} decisions wait")

    def read_from(self, position: str | None, limit: int = 1000) -> LogBatch:
        """Return committed rows of both topics, until the end or about `limit` rows."""
        offsets = decode(KIND, position)
        found = {stream: StreamRows(stream) for stream in STREAMS}
        consumer = Consumer(
            {
                "bootstrap.servers": self._servers,
                "group.id": "reach-collect",  # the client demands one; offsets are in our position
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
            }
        )
        try:
            open_partitions = self._assign(consumer, offsets)
            until = time.monotonic() + TIMEOUT_S
            while open_partitions and sum(map(len, found.values())) < limit:
                message: Any = consumer.poll(1.0)
                if message is None:
                    if time.monotonic() > until:
                        raise EventLogUnavailableError(f"Kafka at {self._servers} does not return what it holds.")
                    continue
                partition = f"{message.topic()}/{message.partition()}"
                if message.error() is None:
                    stream = next(stream for stream in STREAMS if _TOPIC[stream] == message.topic())
                    found[stream].add(message.value())
                    offsets[partition] = str(message.offset() + 1)
                elif message.error().code() == KafkaError._PARTITION_EOF:
                    open_partitions.discard(partition)
                else:
                    raise self._unavailable(message.error())
        except KafkaException as error:
            raise self._unavailable(error) from error
        finally:
            consumer.close()
        return batch_of(found, encode(KIND, offsets))

    def truncate_before(self, position: str) -> int:
        """Delete nothing, because Kafka deletes by its own retention."""
        decode(KIND, position)
        return 0

    def close(self) -> None:
        """Write what waits, then release files and connections."""
        self._group.close()
        if self._decisions is not None:
            self._decisions.flush(TIMEOUT_S)
        self._recent.close()

    def _write(self, batches: Sequence[Sequence[Event]]) -> list[list[bool]]:
        """Write all waiting batches in one transaction, so that readers see each of them whole."""
        received_at = utc_now()
        try:
            if self._events is None:
                producer = Producer(self._config() | {"transactional.id": f"reach-events-{uuid.uuid4().hex}"})
                producer.init_transactions(TIMEOUT_S)
                self._events = producer
            self._events.begin_transaction()
            for batch in batches:
                for event in batch:
                    message = rows_to_text([event.row(received_at)])
                    self._events.produce(_TOPIC["events"], message, event.customer_id)
            self._events.commit_transaction(TIMEOUT_S)
        except (KafkaException, BufferError) as error:
            # A new producer instead of an abort: whatever state the old one is in, its open transaction is fenced off
            # or times out, and is never read.
            self._events = None
            raise self._unavailable(error) from error
        return [self._recent.append(batch).result() for batch in batches]

    def _assign(self, consumer: Any, offsets: dict[str, str]) -> set[str]:
        """Move the consumer to the offsets and return the partitions that exist."""
        partitions = []
        for topic in _TOPIC.values():
            described = consumer.list_topics(topic, TIMEOUT_S).topics[topic]
            # A topic that was never written to may not exist.
            for number in described.partitions if described.error is None else ():
                offset = offsets.get(f"{topic}/{number}", "0")
                if not offset.isdecimal():
                    raise OffsetError(f"'{offset}' is not an offset in {topic}.")
                partitions.append(TopicPartition(topic, number, int(offset)))
        if partitions:
            consumer.assign(partitions)
        return {f"{partition.topic}/{partition.partition}" for partition in partitions}

    def _config(self) -> dict[str, Any]:
        return {"bootstrap.servers": self._servers, "acks": "all", "enable.idempotence": True}

    def _unavailable(self, cause: object) -> EventLogUnavailableError:
        return EventLogUnavailableError(f"Kafka at {self._servers} cannot store or read events: {cause}.")
