"""What the service allows and how long it waits, in one place."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of one service process.

    feature_seconds: a request waits this long for the online store, then answers without it.
    feature_threads: reads that may run at once, and so may hang at once.
    breaker_failures: so many failed reads in a row stop further reads for `breaker_seconds`.
    fresh_days: features older than the bundle's as_of by more than this are reported as stale.
    remembered_customers, remembered_seconds: so many customers' features are kept in memory, some 50 KB each, and used
        for so long while the online store does not answer.
    poll_seconds: how often the champion alias is read, a file of 300 bytes; a roll-back takes effect as soon.
    start_seconds: a process that starts waits so long for its first version and the online store before it listens.
    refused_seconds: a bundle that was refused is tried again after this long, in case the disk was at fault.
    body_seconds: the time a request's body may take to arrive; its size is bounded by the request's type.
    scoring_threads: requests scored at once. Two share the interpreter's lock and cost more processor time than they
        save; further cores are for further processes.
    wait_seconds: a request that would wait longer for its turn gets 429 instead. Longer than `feature_seconds`, so
        that a store that hangs is not taken for an overload.
    switch_seconds: how long a thread may keep the interpreter while others want it.
    requests_inside: valid requests being answered at once; beyond, 429, however fast they are.
    event_seconds: a batch of events waits this long for the journal; beyond, 503, and it must be sent again.
    decisions_waiting, decision_seconds: so many decisions wait to be written down, every so often.
    request_seconds: BentoML gives a request up with 504 after this long.
    """

    feature_seconds: float = 0.040
    feature_threads: int = 2
    breaker_failures: int = 3
    breaker_seconds: float = 5.0
    fresh_days: int = 7
    remembered_customers: int = 500
    remembered_seconds: float = 3600.0
    poll_seconds: float = 0.1
    start_seconds: float = 20.0
    refused_seconds: float = 60.0
    body_seconds: float = 2.0
    scoring_threads: int = 1
    wait_seconds: float = 0.200
    switch_seconds: float = 0.0005
    requests_inside: int = 128
    event_seconds: float = 5.0
    decisions_waiting: int = 10_000
    decision_seconds: float = 0.2
    request_seconds: float = 10.0


LIMITS = Limits()
