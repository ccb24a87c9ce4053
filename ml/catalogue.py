"""The vocabulary a run trains with, and the catalogue at any instant."""

from collections.abc import Sequence
from datetime import date

import numpy as np
from scipy import sparse

from ml.config import ItemToItem as ItemToItemConfig
from ml.data.dataset import Products
from scoring.catalogue import Catalogue
from scoring.customer import Customer
from scoring.item_to_item import ItemToItem
from scoring.schema import ACTIVITY, CONTENT
from scoring.towers import Tower, candidate_inputs
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


def purchase_matrix(customers: Sequence[Customer], index: dict[str, int]) -> sparse.csr_matrix:
    """Who ever bought what, 0/1 float32 `[customers, products]`."""
    rows = [[index[product] for product in customer.product_ids if product in index] for customer in customers]
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    indices = np.concatenate([np.asarray(row, dtype=np.int32) for row in rows])
    values = np.ones(len(indices), np.float32)
    return sparse.csr_matrix((values, indices, indptr), shape=(len(customers), len(index)))


def build_catalogue(
    as_of: date,
    products: Products,
    customers: Sequence[Customer],
    vocabulary: Vocabulary,
    candidate_tower: Tower,
    config: ItemToItemConfig,
    seed: int,
) -> Catalogue:
    """The catalogue at the instant that `products` and `customers` were read at."""
    codes = encode(products, vocabulary)
    index = {product_id: position for position, product_id in enumerate(products.product_ids)}
    return Catalogue(
        as_of=as_of,
        product_ids=products.product_ids,
        names=products.names,
        type_names=products.content()["product_type"],
        codes={field: codes[field] for field in ("product_id", *CONTENT)},
        activity=products.activity,
        vectors=candidate_tower(candidate_inputs(codes, products.activity)),
        item_to_item=ItemToItem.fit(
            purchase_matrix(customers, index), config.regularisation, config.max_customers, seed
        ),
    )
