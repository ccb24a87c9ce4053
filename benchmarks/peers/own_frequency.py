"""What the customer bought often and lately, then what is popular: the strongest rule that needs no training."""

from benchmarks.peers.data import PeerData
from ml.evaluation import baselines
from ml.evaluation.ground_truth import Slates


def fit_and_list(data: PeerData) -> Slates:
    """The rule of `ml.evaluation.baselines`, timed like every peer."""
    return baselines.own_frequency(data.evaluated)
