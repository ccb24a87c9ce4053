"""Build the vocabulary of a run, and its catalogue at any snapshot."""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np

from ml.config import CatalogueConfig
from ml.data.dataset import Products
from ml.errors import ConfigError
from scoring.candidates.purchase_matrix import PurchaseMatrix
from scoring.candidates.source import SourceSettings
from scoring.candidates.sources import fit_models
from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer
from scoring.errors import ScoringError
from scoring.models.two_tower import Tower, candidate_inputs
from scoring.schema import ACTIVITY, CONTENT
from scoring.vocabulary import Vocabulary

MIN_BUYERS = 3
"""Buyers that a product needs before its id gets an embedding; below, its content alone determines its vector."""


def build_vocabulary(products: Products) -> Vocabulary:
    """Build the vocabulary from the values at a training snapshot; other values and '' have the number 0."""
    buyers = products.activity[:, ACTIVITY.index("buyers")]
    ids = [product_id for product_id, n in zip(products.product_ids, buyers, strict=True) if n >= MIN_BUYERS]
    content = {field: sorted(set(values) - {""}) for field, values in products.content().items()}
    return Vocabulary({"product_id": ids} | content)


def encode(products: Products, vocabulary: Vocabulary) -> dict[str, np.ndarray]:
    """Return the vocabulary numbers of the products, int32 `[products]` for each field."""
    codes = {field: vocabulary.encode(field, values) for field, values in products.content().items()}
    return codes | {"product_id": vocabulary.encode("product_id", products.product_ids)}


def build_catalogue(
    as_of: date,
    products: Products,
    customers: Sequence[Customer],
    vocabulary: Vocabulary,
    candidate_tower: Tower,
    sources: Mapping[str, SourceSettings],
    config: CatalogueConfig,
    seed: int,
) -> Catalogue:
    """Build the catalogue at one snapshot, with the fitted models of its sources.

    Args:
        as_of: Day of the snapshot.
        products: The products at the snapshot.
        customers: All customers at the snapshot; the sources fit their models on them.
        vocabulary: Vocabulary that the towers were trained with.
        candidate_tower: Embeds the products.
        sources: The configured candidate sources.
        config: The section `[catalogue]`.
        seed: Seed of the sources' models.

    Raises:
        ConfigError: A source cannot be fitted with its settings.
    """
    codes = encode(products, vocabulary)
    index = {product_id: position for position, product_id in enumerate(products.product_ids)}
    try:
        models = fit_models(sources, PurchaseMatrix.of(customers, index), seed)
    except ScoringError as error:
        raise ConfigError(str(error)) from error
    return Catalogue(
        as_of=as_of,
        product_ids=products.product_ids,
        names=products.names,
        category_names=products.content()["category"],
        type_names=products.content()["product_type"],
        codes={field: codes[field] for field in ("product_id", *CONTENT)},
        activity=products.activity,
        vectors=candidate_tower(candidate_inputs(codes, products.activity)),
        models=models,
        min_recent_buyers=config.min_recent_buyers,
        ann_above_products=config.ann_above_products,
    )
