"""Columns that span covariates without collinearity."""

import numpy as np

_RANK_TOLERANCE = 1e-10


def centred_basis(covariates: np.ndarray) -> np.ndarray:
    """Return uncorrelated columns of mean 0 and variance 1 that span the covariates, `[customers, rank]`.

    Args:
        covariates: Float `[customers, covariates]`; constant and collinear columns add nothing.
    """
    centred = covariates - covariates.mean(axis=0)
    deviation = centred.std(axis=0)
    scaled: np.ndarray = centred[:, deviation > 0] / deviation[deviation > 0]
    if not scaled.shape[1]:
        return scaled
    variances, directions = np.linalg.eigh(scaled.T @ scaled / len(scaled))
    kept = variances > _RANK_TOLERANCE * variances[-1]
    spanned: np.ndarray = scaled @ (directions[:, kept] / np.sqrt(variances[kept]))
    return spanned
