"""Clusters of points by k-means: fitted by scikit-learn in one thread, so that two fits are equal."""

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

RESTARTS = 10
MAX_FITTED = 20_000
"""Customers that a fit reads at most; further customers would hardly move the centres."""


def fit_centres(points: np.ndarray, clusters: int, seed: int) -> np.ndarray:
    """Return the centres of clusters of points `[n, dimensions]`, the largest cluster first."""
    if len(points) > MAX_FITTED:
        points = points[np.random.default_rng(seed).choice(len(points), MAX_FITTED, replace=False)]
    with threadpool_limits(1):
        fitted = KMeans(clusters, n_init=RESTARTS, random_state=seed).fit(points)
    sizes = np.bincount(fitted.labels_, minlength=clusters)
    return np.asarray(fitted.cluster_centers_[np.argsort(-sizes, kind="stable")])


def nearest_centre(points: np.ndarray, centres: np.ndarray, previous: np.ndarray | None, margin: float) -> np.ndarray:
    """Return the nearest centre of each point, int `[n]`.

    Args:
        points: float `[n, dimensions]`.
        centres: float `[clusters, dimensions]`.
        previous: the clusters before, int `[n]`, negative for none.
        margin: a point changes cluster if the new centre is nearer by more than this share of the old distance.
    """
    distances = np.stack([np.linalg.norm(points - centre, axis=1) for centre in centres], axis=1)
    nearest: np.ndarray = distances.argmin(axis=1)
    if previous is None:
        return nearest
    before = distances[np.arange(len(points)), np.maximum(previous, 0)]
    stays = (previous >= 0) & (distances.min(axis=1) >= (1 - margin) * before)
    return np.where(stays, previous, nearest)
