"""Columns that span covariates without collinearity."""

import numpy as np

_RANK_TOLERANCE = 1e-9


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
    basis, sizes, _ = np.linalg.svd(scaled, full_matrices=False)
    spanned: np.ndarray = basis[:, sizes > _RANK_TOLERANCE * sizes[0]] * np.sqrt(len(basis))
    return spanned
