"""The baselines that a model has to beat, on the same features and the same customers."""

from ml.evaluation.ground_truth import RankedLists, Slates
from ml.metrics import DEPTH
from scoring.candidates.customer_batch import CustomerBatch
from scoring.models.ranker import SLATES, Slate
from scoring.reranking.baseline import recency_frequency_baseline

POPULARITY = "popularity"
OWN_FREQUENCY = "decayed own frequency"


def popularity(block: CustomerBatch) -> Slates:
    """Recommend the same list to every customer; `explore` leaves out what the customer had bought before."""
    order, score = block.catalogue.by_popularity, block.catalogue.popularity
    everything = [order[:DEPTH]] * len(block.customers)
    return {
        "all": RankedLists.of(everything, [score[items] for items in everything]),
        "explore": _lists_of_baseline(block, "explore"),
    }


def own_frequency(block: CustomerBatch) -> Slates:
    """Recommend with the baseline that serves while no model is deployed, `scoring.reranking.baseline`."""
    return {slate: _lists_of_baseline(block, slate) for slate in SLATES}


def _lists_of_baseline(block: CustomerBatch, slate: Slate) -> RankedLists:
    lists = [recency_frequency_baseline(block, row, slate, DEPTH) for row in range(len(block.customers))]
    return RankedLists.of([positions for positions, _ in lists], [scores for _, scores in lists])


BASELINES = {POPULARITY: popularity, OWN_FREQUENCY: own_frequency}
"""The baselines by their names in tables and reports."""
