"""Names of the files and folders that the steps leave in a run's folder."""

RUN_SPEC = "run_spec.json"
OLD_RUN_SPEC = "plan.json"
"""Name of the run's specification in runs of earlier versions, whose keys differ too."""
NOT_ENOUGH_DATA = "not_enough_data.json"
"""Why a run trained or evaluated nothing. Other runs do not have this file."""
DATASET = "dataset"
PARITY = "parity.json"
RETRIEVAL = "retrieval"
UNTRAINED = "untrained"
RETRIEVAL_CURVE = "retrieval_curve.json"
ENCODERS = "encoders.json"
CANDIDATES = "candidates"
SELECTED_RANKER = "ranker"
RANKERS = "rankers.json"
EVALUATION = "evaluation"
LISTS = "lists.parquet"
RUN = "run.json"
GATE = "gate.json"
REPORT = "report.html"
ABLATION = "ablation.json"
COLD_START = "cold_start.json"
CANDIDATE_SOURCES = "candidate_sources.json"
NEW_ITEMS = "new_items.json"
REGISTERED_MODEL = "registered_model.json"


def ranker_folder(name: str) -> str:
    """Return the name of one ranker's folder."""
    return f"ranker_{name}"


def ranker_curve(name: str) -> str:
    """Return the name of one ranker's learning curve."""
    return f"ranker_{name}_curve.json"
