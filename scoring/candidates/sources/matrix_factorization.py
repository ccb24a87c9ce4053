"""Products by implicit matrix factorisation (ALS); customers are folded in, so that today's purchases count."""

import numpy as np
from pydantic import Field
from scipy import sparse

from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.product_subset import ProductSubset
from scoring.candidates.purchase_matrix import PurchaseMatrix
from scoring.candidates.source import CandidateSource, SourceSettings
from scoring.errors import ScoringError
from scoring.models.matrix_factorization import MatrixFactorization, confidences


class Settings(SourceSettings):
    """`n_factors`: length of a product's vector; with 0 nothing is fitted, and the source puts nothing forward."""

    n_factors: int = Field(32, ge=0)
    regularisation: float = Field(0.05, gt=0)
    confidence: float = Field(2.0, gt=0)
    iterations: int = Field(12, ge=1)


class MatrixFactorizationSource(CandidateSource):
    """Score by the predicted preference."""

    settings_class = Settings
    text = "Customers with a similar taste buy this"
    order = 70
    has_score_feature = True
    model_name = "matrix_factorization"
    model_class = MatrixFactorization
    package = ("implicit", "peers")

    def fit(self, purchases: PurchaseMatrix, settings: Settings, seed: int) -> MatrixFactorization:
        """Fit by alternating least squares on the number of baskets."""
        baskets = purchases.matrix("baskets")
        if settings.n_factors == 0:
            none = np.zeros((baskets.shape[1], 0), np.float32)
            return MatrixFactorization(none, settings.confidence, settings.regularisation)
        try:  # here, because its import takes a second and serving never needs it
            from implicit.als import AlternatingLeastSquares
        except ModuleNotFoundError as error:
            raise ScoringError(
                "The candidate source 'matrix_factorization' needs the package 'implicit', which is not installed. "
                "Install the dependency group 'peers' ('uv sync --group peers'), or remove its line in ml/config.toml."
            ) from error
        model = AlternatingLeastSquares(
            factors=settings.n_factors,
            regularization=settings.regularisation,
            iterations=settings.iterations,
            random_state=seed,
            num_threads=1,
            use_gpu=False,
        )
        weights = sparse.csr_matrix(
            (confidences(baskets.data, settings.confidence), baskets.indices, baskets.indptr), shape=baskets.shape
        )
        model.fit(weights, show_progress=False)
        vectors = model.item_factors.astype(np.float32)
        return MatrixFactorization(vectors, settings.confidence, settings.regularisation)

    def score(self, batch: CustomerBatch, subset: ProductSubset) -> np.ndarray:
        """Score products for customers, float32 `[customers, subset]`."""
        model = batch.catalogue.model(self.name, MatrixFactorization)
        users = batch.cached((self.name, "users"), lambda: model.fold_in(batch.bought.matrix("baskets")))
        scores: np.ndarray = users @ model.vectors[subset.positions].T
        return scores
