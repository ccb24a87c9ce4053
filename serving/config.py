"""What the service allows and how long it waits, in one place."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ServiceConfig:
    """Bounds of one service process.

    feature_timeout_s: a request waits this long for the online store, then answers without it.
    feature_threads: reads that may run at once, and so may hang at once.
    circuit_failures: so many failed reads in a row stop further reads for `circuit_reset_s`.
    max_feature_age_days: features older than the bundle's as_of by more than this are reported as stale.
    stale_cache_size, stale_cache_ttl_s: so many customers' features are kept in memory, some 50 KB each, and used
        for so long while the online store does not answer.
    champion_poll_interval_s: how often the champion alias is read, a file of 300 bytes.
    startup_timeout_s: a process that starts waits so long for its first version and the online store before it listens.
    rejected_retry_s: a bundle that was refused is tried again after this long, in case the disk was at fault.
    body_timeout_s: the time a request's body may take to arrive; its size is bounded by the request's type.
    scoring_threads: requests scored at once. Two share the interpreter's lock and cost more processor time than they
        save; further cores are for further processes.
    max_queue_wait_s: a request that would wait longer for its turn gets 429 instead. Longer than `feature_timeout_s`,
        so that a store that hangs is not taken for an overload.
    gil_switch_interval_s: how long a thread may keep the interpreter while others want it.
    max_in_flight: valid requests being answered at once; beyond, 429, however fast they are.
    event_commit_timeout_s: a batch of events waits this long for the journal; beyond, 503, and it must be sent again.
    decision_queue_size, decision_flush_interval_s: so many decisions wait to be written down, every so often.
    request_timeout_s: BentoML gives a request up with 504 after this long.
    """

    feature_timeout_s: float = 0.040
    feature_threads: int = 2
    circuit_failures: int = 3
    circuit_reset_s: float = 5.0
    max_feature_age_days: int = 7
    stale_cache_size: int = 500
    stale_cache_ttl_s: float = 3600.0
    champion_poll_interval_s: float = 0.1
    startup_timeout_s: float = 20.0
    rejected_retry_s: float = 60.0
    body_timeout_s: float = 2.0
    scoring_threads: int = 1
    max_queue_wait_s: float = 0.200
    gil_switch_interval_s: float = 0.0005
    max_in_flight: int = 128
    event_commit_timeout_s: float = 5.0
    decision_queue_size: int = 10_000
    decision_flush_interval_s: float = 0.2
    request_timeout_s: float = 10.0


CONFIG = ServiceConfig()
