"""Rank by the number of buyers in the last four weeks, the same list for every customer."""

from benchmarks.peers.data import PeerData
from ml.evaluation import baselines
from ml.evaluation.ground_truth import Slates


def fit_and_list(data: PeerData) -> Slates:
    """Make the lists of the baseline in `ml.evaluation.baselines`, timed like every peer."""
    return baselines.popularity(data.evaluated)
