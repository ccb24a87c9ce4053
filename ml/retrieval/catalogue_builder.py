"""The vocabulary a run trains with, and the catalogue at any instant."""

from collections.abc import Sequence
from datetime import date

import numpy as np
from scipy import sparse

from ml.config import NEEDS_IMPLICIT, CollaborativeConfig, MatrixFactorizationConfig
from ml.data.dataset import Products
from ml.errors import ConfigError
from scoring.candidates.purchase_matrix import PurchaseMatrix
from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer
from scoring.models.ease import Ease
from scoring.models.item_knn import ItemKnn
from scoring.models.matrix_factorization import MatrixFactorization, confidences
from scoring.models.two_tower import Tower, candidate_inputs
from scoring.models.user_knn import UserKnn
from scoring.schema import ACTIVITY, CONTENT
from scoring.vocabulary import Vocabulary

MIN_BUYERS = 3
"""A product needs this many buyers before its id gets a vector of its own; below, its content speaks for it."""


def build_vocabulary(products: Products) -> Vocabulary:
    """Values known at a training snapshot; unknown ones ('') keep the number 0."""
    buyers = products.activity[:, ACTIVITY.index("buyers")]
    ids = [product_id for product_id, n in zip(products.product_ids, buyers, strict=True) if n >= MIN_BUYERS]
    content = {field: sorted(set(values) - {""}) for field, values in products.content().items()}
    return Vocabulary({"product_id": ids} | content)


def encode(products: Products, vocabulary: Vocabulary) -> dict[str, np.ndarray]:
    """Vocabulary numbers of the products, int32 `[products]` a field."""
    codes = {field: vocabulary.encode(field, values) for field, values in products.content().items()}
    return codes | {"product_id": vocabulary.encode("product_id", products.product_ids)}


def build_catalogue(
    as_of: date,
    products: Products,
    customers: Sequence[Customer],
    vocabulary: Vocabulary,
    candidate_tower: Tower,
    config: CollaborativeConfig,
    seed: int,
) -> Catalogue:
    """The catalogue at the instant that `products` and `customers` were read at."""
    codes = encode(products, vocabulary)
    index = {product_id: position for position, product_id in enumerate(products.product_ids)}
    bought = PurchaseMatrix.of(customers, index)
    baskets, weighted = bought.matrix("baskets"), bought.matrix("decayed_120d").sqrt()
    knn = config.item_knn
    return Catalogue(
        as_of=as_of,
        product_ids=products.product_ids,
        names=products.names,
        category_names=products.content()["category"],
        type_names=products.content()["product_type"],
        codes={field: codes[field] for field in ("product_id", *CONTENT)},
        activity=products.activity,
        vectors=candidate_tower(candidate_inputs(codes, products.activity)),
        item_to_item=Ease.fit(
            weighted,
            config.item_to_item.regularisation,
            config.item_to_item.max_customers,
            seed,
        ),
        neighbours=UserKnn.fit(baskets, bought.matrix("days_since_last").data, config.user_knn.n_neighbours),
        factors=_factors(baskets, config.matrix_factorization, seed),
        lively_buyers=config.lively_buyers,
        approximate_above=config.approximate_above,
        item_knn=ItemKnn.fit(weighted, knn.n_neighbours, knn.shrinkage, knn.min_buyers) if knn.n_neighbours else None,
    )


def _factors(baskets: sparse.csr_matrix, config: MatrixFactorizationConfig, seed: int) -> MatrixFactorization:
    if config.n_factors == 0:
        return MatrixFactorization(
            np.zeros((baskets.shape[1], 0), np.float32), config.confidence, config.regularisation
        )
    try:  # here, because its import takes a second that most steps can save
        from implicit.als import AlternatingLeastSquares
    except ModuleNotFoundError as error:
        raise ConfigError(NEEDS_IMPLICIT) from error
    model = AlternatingLeastSquares(
        factors=config.n_factors,
        regularization=config.regularisation,
        iterations=config.iterations,
        random_state=seed,
        num_threads=1,
        use_gpu=False,
    )
    weights = sparse.csr_matrix(
        (confidences(baskets.data, config.confidence), baskets.indices, baskets.indptr), shape=baskets.shape
    )
    model.fit(weights, show_progress=False)
    return MatrixFactorization(model.item_factors.astype(np.float32), config.confidence, config.regularisation)
