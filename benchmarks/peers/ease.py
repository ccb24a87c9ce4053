"""EASE (Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data") over the full catalogue.

The same exact solution that Reach uses as one of its candidate sources, here on its own: the scores are the lists.
"""

import numpy as np

from benchmarks.peers.data import PeerData
from ml.evaluation.judge import Slates
from scoring.item_to_item import ItemToItem


def fit_and_list(data: PeerData) -> Slates:
    """Fit on who ever bought what, 0/1, with the run's own regularisation."""
    purchases, config = data.purchases(), data.plan.config.item_to_item
    model = ItemToItem.fit(purchases, config.regularisation, config.max_customers, data.plan.seed)

    def score(rows: np.ndarray) -> np.ndarray:
        return model.scores(purchases[rows])

    return data.slates(score)
