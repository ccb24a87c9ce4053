"""Define the service's metrics, which `/metrics` shows next to BentoML's request counters and latencies."""

from functools import cache

from prometheus_client import Counter, Gauge, Histogram, Summary

LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds of the latency buckets, here and in BentoML's request histogram."""

STAGE_BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5)
"""Upper bounds of the buckets of one stage, which may take tenths of a millisecond."""


class Metrics:
    """Hold the service's own metrics. No label contains a customer's id."""

    def __init__(self) -> None:
        self.answers = Counter(
            "reach_recommendations", "Answers by slate and by the reason for a fallback.", ["slate", "fallback"]
        )
        self.rejected = Counter(
            "reach_requests_rejected", "Requests rejected before they reach a handler, by status.", ["status"]
        )
        self.failed = Counter("reach_requests_failed", "Requests that the bundle could not score.")
        self.scoring = Histogram("reach_scoring_seconds", "Time to score one request.", buckets=LATENCY_BUCKETS_S)
        self.stages = Histogram(
            "reach_stage_seconds", "Time of each stage of a request, by its name.", ["stage"], buckets=STAGE_BUCKETS_S
        )
        self.candidates = Summary("reach_candidates", "Candidates that the ranker scored in one request.")
        self.feature_reads = Counter(
            "reach_feature_reads",
            "Reads of the online store by outcome; 'circuit_open' while the circuit breaker stops them.",
            ["outcome"],
        )
        self.profiles = Counter(
            "reach_profiles",
            "Requests for a profile by outcome of the read; 'not_published' before the first scores.",
            ["outcome"],
        )
        self.events = Counter(
            "reach_events", "Events by outcome: accepted, duplicate, or failed if the event log failed.", ["outcome"]
        )
        self.recent_purchase_reads = Counter(
            "reach_recent_purchase_reads",
            "Reads of a customer's purchases since the features, by outcome.",
            ["outcome"],
        )
        self.unknown_purchases = Counter(
            "reach_unknown_purchases", "Purchases that were ignored because the bundle does not contain the product."
        )
        self.decisions = Counter("reach_decisions", "Answers in the decision log: written or lost.", ["outcome"])
        self.exposures = Counter(
            "reach_exposures",
            "Answers within an experiment, by origin: its variant, or the champion instead.",
            ["experiment_id", "variant", "served"],
        )
        self.refused_experiments = Counter(
            "reach_experiments_refused", "Announced experiments that could not be read; earlier ones go on."
        )
        self.stale = Counter("reach_stale_features", "Answers from features older than the bundle allows.")
        self.bundle = Gauge(
            "reach_bundle_info",
            "Live workers that serve the version.",
            ["version", "as_of"],
            # BentoML uses the Prometheus client's multi-process mode, in which a gauge needs a way to aggregate.
            multiprocess_mode="livesum",
        )
        self.generation = Gauge(
            "reach_champion_generation",
            "Generation of the champion alias by live worker: of the 'champion' read last, of the one it is "
            "'serving', and of the one last 'rejected'.",
            ["state"],
            # By process id, so that a worker that stays on an older version can be seen and found.
            multiprocess_mode="liveall",
        )
        self.reloads = Counter("reach_model_reloads", "Changes of the serving version, including the first one.")
        self.load_failures = Counter("reach_model_load_failures", "Bundles that could not be loaded.", ["version"])


@cache
def metrics() -> Metrics:
    """Return this process's metrics.

    They are created on first use, because BentoML sets the directory of the multi-process mode at start-up only.
    """
    return Metrics()
