"""What the steps leave in a run's folder."""

DATASET = "dataset"
PLAN = "plan.json"
PARITY = "parity.json"
RETRIEVAL = "retrieval"
UNTRAINED = "untrained"
RETRIEVAL_CURVE = "retrieval_curve.json"
ENCODERS = "encoders.json"
CANDIDATES = "candidates"
CHOSEN = "ranker"
RANKERS = "rankers.json"
EVALUATION = "evaluation"
LISTS = "lists.parquet"
RUN = "run.json"
GATE = "gate.json"
REPORT = "report.html"
ABLATION = "ablation.json"
HIDDEN_HISTORY = "hidden_history.json"
SOURCES = "sources.json"
NEW_PRODUCTS = "new_products.json"
PUBLISHED = "published.json"


def ranker(name: str) -> str:
    """The folder of one ranker."""
    return f"ranker_{name}"


def ranker_curve(name: str) -> str:
    return f"ranker_{name}_curve.json"
