"""What can go wrong with the journal.

LiveError
├── JournalUnavailableError   the journal cannot be written or read now: try again
├── CursorError               a cursor that this journal did not give
└── KafkaMissingError         events shall go to Kafka, but its client is not installed
"""


class LiveError(Exception):
    """Base of this room's errors; the command prints the message and exits with 1."""


class JournalUnavailableError(LiveError):
    """The journal cannot be written or read now; what was not acknowledged must be sent again."""


class CursorError(LiveError):
    """A cursor that this kind of journal did not give."""


class KafkaMissingError(LiveError):
    """`REACH_EVENTS_KAFKA` is set and the package confluent-kafka is not installed."""
