"""Name the metrics that purchases measure."""

METRICS = ("conversion", "spend", "visits", "retention")
"""Each is one number per customer: see `experiments.measurement.purchases.outcomes_at`."""
