"""What the service counts besides BentoML's own request counters and latencies; all of it on `/metrics`."""

from functools import cache

from prometheus_client import Counter, Gauge, Histogram, Summary

LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds of the latency buckets, here and in BentoML's request histogram."""

STAGE_BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5)
"""Upper bounds of the buckets of a single stage, which may take tenths of a millisecond."""


class Metrics:
    """The service's own metrics. No label ever holds a customer."""

    def __init__(self) -> None:
        self.answers = Counter(
            "reach_recommendations",
            "Answers by slate and by why they were not the model's.",
            ["slate", "fallback"],
        )
        self.rejected = Counter("reach_requests_rejected", "Requests turned away at the door.", ["status"])
        self.failed = Counter("reach_requests_failed", "Requests the bundle could not score.")
        self.scoring = Histogram("reach_scoring_seconds", "Scoring of one request.", buckets=LATENCY_BUCKETS_S)
        self.stages = Histogram(
            "reach_stage_seconds",
            "Each stage of answering one request, by its name.",
            ["stage"],
            buckets=STAGE_BUCKETS_S,
        )
        self.candidates = Summary("reach_candidates", "Candidates that the ranker scored in one request.")
        self.feature_reads = Counter(
            "reach_feature_reads",
            "Reads of the online store by outcome; 'circuit_open' while it is given a rest.",
            ["outcome"],
        )
        self.events = Counter(
            "reach_events",
            "Events by outcome: accepted, duplicate, or failed because of a broken journal.",
            ["outcome"],
        )
        self.recent_purchase_reads = Counter(
            "reach_recent_purchase_reads",
            "Reads of a customer's purchases since the features, by outcome.",
            ["outcome"],
        )
        self.unknown_purchases = Counter(
            "reach_unknown_purchases", "Purchases left out of answers, for the bundle does not know the product."
        )
        self.decisions = Counter("reach_decisions", "Answers in the decision log: written or lost.", ["outcome"])
        self.stale = Counter("reach_stale_features", "Answers from features older than the bundle allows.")
        self.bundle = Gauge(
            "reach_bundle_info",
            "How many live workers serve the version.",
            ["version", "as_of"],
            # BentoML runs Prometheus' client in its multi-process mode: a gauge needs a rule that joins the processes.
            multiprocess_mode="livesum",
        )
        self.generation = Gauge(
            "reach_champion_generation",
            "Generation of the champion alias, by live worker: the 'champion' it read last, and those 'serving' and "
            "last 'rejected'.",
            ["state"],
            # By process id: a worker that stays behind is seen, and so is which one it is.
            multiprocess_mode="liveall",
        )
        self.reloads = Counter("reach_model_reloads", "Changes of the serving version, the first one included.")
        self.load_failures = Counter("reach_model_load_failures", "Bundles that were not let in.", ["version"])


@cache
def metrics() -> Metrics:
    """This process' metrics, made on first use: by then BentoML has said where the processes meet."""
    return Metrics()
