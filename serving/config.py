"""Hold the limits and timeouts of one service process."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ServiceConfig:
    """Limit what one service process accepts, and how long it waits.

    Args:
        feature_timeout_s: Time for a read of the online store. After it, the request is answered without features.
        feature_threads: Concurrent reads of the online store, so also the number of reads that may hang at once.
        circuit_failures: Failed reads in a row that open the circuit breaker.
        circuit_reset_s: Time for which an open circuit breaker stops reads.
        max_feature_age_days: Features older than the bundle's `as_of` by more than this are reported as stale.
        stale_cache_size: Customers in the cache of features that is used while the online store fails; about 50 KB
            each.
        stale_cache_ttl_s: Time for which a cached customer is used.
        champion_poll_interval_s: Time between two reads of the champion alias, a file of 300 bytes.
        startup_timeout_s: Time that a starting process waits for the online store before it listens.
        rejected_retry_s: Time until a rejected bundle is tried again, in case the disk was at fault.
        body_timeout_s: Time for a request's body to arrive. Its size is limited by the request's type.
        scoring_threads: Requests scored at once. Two threads contend for the GIL and cost more CPU than they save; use
            more processes to use more cores.
        max_queue_wait_s: A request that would queue for longer gets 429. It is longer than `feature_timeout_s`, so a
            hanging online store does not look like an overload.
        gil_switch_interval_s: Time for which a thread keeps the GIL while other threads wait for it.
        max_in_flight: Valid requests being answered at once; more get 429, however fast they are.
        event_commit_timeout_s: Time for the event log to commit a batch. After it, the sender gets 503.
        decision_queue_size: Decisions that wait to be written; more are dropped and counted.
        decision_flush_interval_s: Time between two writes of decisions.
        exposure_commit_timeout_s: Time that an answer within an experiment waits until its decision is stored.
        experiments_poll_interval_s: Time between two looks at the announced experiments.
        request_timeout_s: Time after which BentoML answers 504.
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
    exposure_commit_timeout_s: float = 0.2
    experiments_poll_interval_s: float = 1.0
    request_timeout_s: float = 10.0


CONFIG = ServiceConfig()
