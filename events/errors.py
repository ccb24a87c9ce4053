"""Define what can go wrong with the event log.

EventsError
├── EventLogUnavailableError   the event log cannot be written or read at the moment: try again
├── OffsetError                a position that this event log did not return
└── KafkaMissingError          events are configured to go to Kafka, but its client is not installed
"""


class EventsError(Exception):
    """Base of this package's errors; the command prints the message and exits with 1."""


class EventLogUnavailableError(EventsError):
    """The event log cannot be written or read at the moment; send again what was not acknowledged."""


class OffsetError(EventsError):
    """The position was not returned by this kind of event log."""


class KafkaMissingError(EventsError):
    """`REACH_KAFKA_BOOTSTRAP_SERVERS` is set and the package confluent-kafka is not installed."""
