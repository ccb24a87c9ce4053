"""Rank by the decayed frequency of the customer's purchases, then by popularity: the strongest untrained baseline."""

from benchmarks.peers.data import PeerData
from ml.evaluation import baselines
from ml.evaluation.ground_truth import Slates


def fit_and_list(data: PeerData) -> Slates:
    """Make the lists of the baseline in `ml.evaluation.baselines`, timed like every peer."""
    return baselines.own_frequency(data.evaluated)
