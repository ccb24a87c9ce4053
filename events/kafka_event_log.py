"""Events and decisions in Kafka: topics `reach.events` and `reach.decisions`, keyed by customer.

Recent purchases stay beside the online store, for Kafka cannot be asked for one customer.
"""

import time
import uuid
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any

from core.clock import utc_now
from core.held import Held
from events.errors import CursorError, JournalUnavailableError, KafkaMissingError
from events.event_log import Page, Recent
from events.group_commit import GroupCommit
from events.offsets import STREAMS, Stream, cursor_of, places_in
from events.records import Decision, Event, Purchase
from events.serialization import Rows, page_of, rows_to_text

try:
    from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
except ImportError as error:
    raise KafkaMissingError(
        "REACH_EVENTS_KAFKA is set, but Kafka's client is not installed. Run 'uv sync --group kafka'."
    ) from error

KIND = "kafka"
SECONDS = 10.0
"""How long Kafka may take to acknowledge, and to give what it has."""

_TOPIC: dict[Stream, str] = {"events": "reach.events", "decisions": "reach.decisions"}


class KafkaJournal:
    """Messages are JSON arrays of rows: of one event, or of one answer's products.

    Kafka first, then the recent purchases: a batch whose second step failed was not acknowledged, is sent again and
    stands in Kafka twice. Readers count by `event_id`.
    """

    def __init__(self, servers: str, recent: Recent):
        self._servers = servers
        self._recent = recent
        self._events: Any = None
        self._decisions: Any = None
        self._group = GroupCommit(self._write)

    def append(self, events: Sequence[Event]) -> Future[list[bool]]:
        return self._group.append(events)

    def of_customer(self, customer_id: str) -> list[Purchase]:
        return self._recent.of_customer(customer_id)

    def forget_contained(self, as_of: datetime, held: Held) -> int:
        return self._recent.forget_contained(as_of, held)

    def append_decisions(self, decisions: Sequence[Decision]) -> None:
        if self._decisions is None:
            self._decisions = Producer(self._config() | {"message.timeout.ms": int(SECONDS * 1000)})
        lost: list[Any] = []

        def delivered(failure: Any, _message: Any) -> None:
            if failure is not None:
                lost.append(failure)

        try:
            for decision in decisions:
                message = rows_to_text(decision.rows())
                self._decisions.produce(_TOPIC["decisions"], message, decision.customer_id, on_delivery=delivered)
            waiting = self._decisions.flush(SECONDS)
        except (KafkaException, BufferError) as error:
            raise self._unavailable(error) from error
        if lost or waiting:
            raise self._unavailable(lost[0] if lost else f"{waiting} decisions wait")

    def read_after(self, cursor: str | None, limit: int = 1000) -> Page:
        """Reads what is committed, both topics at once, until the end or `limit` rows."""
        places = places_in(KIND, cursor)
        found = {stream: Rows(stream) for stream in STREAMS}
        consumer = Consumer(
            {
                "bootstrap.servers": self._servers,
                "group.id": "reach-collect",  # demanded by the client; places are in our cursor
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
            }
        )
        try:
            open_partitions = self._assign(consumer, places)
            until = time.monotonic() + SECONDS
            while open_partitions and sum(map(len, found.values())) < limit:
                message: Any = consumer.poll(1.0)
                if message is None:
                    if time.monotonic() > until:
                        raise JournalUnavailableError(f"Kafka at {self._servers} does not give what it holds.")
                    continue
                partition = f"{message.topic()}/{message.partition()}"
                if message.error() is None:
                    stream = next(stream for stream in STREAMS if _TOPIC[stream] == message.topic())
                    found[stream].add(message.value())
                    places[partition] = str(message.offset() + 1)
                elif message.error().code() == KafkaError._PARTITION_EOF:
                    open_partitions.discard(partition)
                else:
                    raise self._unavailable(message.error())
        except KafkaException as error:
            raise self._unavailable(error) from error
        finally:
            consumer.close()
        return page_of(found, cursor_of(KIND, places))

    def forget_collected(self, cursor: str) -> int:
        """Kafka forgets by its own retention; nothing is deleted here."""
        places_in(KIND, cursor)
        return 0

    def close(self) -> None:
        self._group.close()
        if self._decisions is not None:
            self._decisions.flush(SECONDS)
        self._recent.close()

    def _write(self, batches: Sequence[Sequence[Event]]) -> list[list[bool]]:
        """One transaction for all batches that wait: readers see each of them whole."""
        received_at = utc_now()
        try:
            if self._events is None:
                producer = Producer(self._config() | {"transactional.id": f"reach-events-{uuid.uuid4().hex}"})
                producer.init_transactions(SECONDS)
                self._events = producer
            self._events.begin_transaction()
            for batch in batches:
                for event in batch:
                    message = rows_to_text([event.row(received_at)])
                    self._events.produce(_TOPIC["events"], message, event.customer_id)
            self._events.commit_transaction(SECONDS)
        except (KafkaException, BufferError) as error:
            # A new producer and not an abort: whatever state the old one is in, its open transaction is fenced off
            # or times out, and is never read.
            self._events = None
            raise self._unavailable(error) from error
        return [self._recent.append(batch).result() for batch in batches]

    def _assign(self, consumer: Any, places: dict[str, str]) -> set[str]:
        """Put the consumer at the cursor's places; returns the partitions there are."""
        partitions = []
        for topic in _TOPIC.values():
            described = consumer.list_topics(topic, SECONDS).topics[topic]
            # A topic that nobody has written to yet may not exist.
            for number in described.partitions if described.error is None else ():
                place = places.get(f"{topic}/{number}", "0")
                if not place.isdecimal():
                    raise CursorError(f"'{place}' is no place in {topic}.")
                partitions.append(TopicPartition(topic, number, int(place)))
        if partitions:
            consumer.assign(partitions)
        return {f"{partition.topic}/{partition.partition}" for partition in partitions}

    def _config(self) -> dict[str, Any]:
        return {"bootstrap.servers": self._servers, "acks": "all", "enable.idempotence": True}

    def _unavailable(self, cause: object) -> JournalUnavailableError:
        return JournalUnavailableError(f"Kafka at {self._servers} does not take the journal: {cause}.")
