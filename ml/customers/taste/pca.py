"""The simple rival at equal width: principal components, then a ridge regression on the next four weeks."""

import numpy as np

from ml.customers.taste.baskets import Examples, as_inputs
from ml.customers.taste.encoder import Encoder

PENALTY = 100.0


def fit_pca(categories: list[str], examples: Examples, width: int) -> Encoder:
    """Fit the components of what customers bought, and the regression of what they bought next."""
    inputs = as_inputs(examples.before)
    mean = np.asarray(inputs.mean(axis=0), dtype=np.float64).ravel()
    covariance = (inputs.T @ inputs).toarray().astype(np.float64) / inputs.shape[0] - np.outer(mean, mean)
    components = np.linalg.eigh(covariance)[1][:, ::-1][:, :width]
    # The sign of an eigenvector is arbitrary: make its largest entry positive, so that two fits are equal.
    components *= np.sign(components[np.abs(components).argmax(axis=0), np.arange(components.shape[1])])
    codes = np.asarray(inputs @ components - mean @ components)
    bought = (examples.after > 0).astype(np.float64)
    average = np.asarray(bought.mean(axis=0)).ravel()
    centre = codes.mean(axis=0)
    centred = codes - centre
    gram = centred.T @ centred + PENALTY * np.eye(codes.shape[1])
    slopes = np.linalg.solve(gram, np.asarray((bought.T @ centred).T))
    return Encoder(categories, [(components, -mean @ components)], [(slopes, average - centre @ slopes)])
