"""Item-kNN: likeness by hand, who may be a neighbour, and that it costs nothing where it is off."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.product_subset import ProductSubset
from scoring.candidates.sources import SOURCES, load_catalogue
from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer
from scoring.errors import ScoringError
from scoring.models.item_knn import ItemKnn
from tests.support.serving.small_bundle import buyer_features, small_catalogue

PURCHASES = sparse.csr_matrix(
    np.array(
        [
            [1, 1, 0, 0],
            [1, 1, 0, 0],
            [1, 0, 1, 0],
            [1, 0, 1, 1],
        ],
        np.float32,
    )
)


def fitted(neighbours: int = 3, shrinkage: float = 0.0, min_buyers: int = 1) -> np.ndarray:
    """Row: a bought product; column: its neighbour."""
    return ItemKnn.fit(PURCHASES, neighbours, shrinkage, min_buyers).similarity.toarray().T


def test_likeness_is_the_cosine_of_two_products_buyers():
    # product 0 has four buyers, product 1 two of them: 2 / (sqrt(4) sqrt(2)); products 2 and 3 share one: 1 / sqrt(2)
    likeness = fitted()
    assert likeness[0, 1] == pytest.approx(2 / np.sqrt(8))
    assert likeness[2, 3] == pytest.approx(1 / np.sqrt(2))
    assert likeness[1, 3] == 0.0
    np.testing.assert_allclose(likeness, likeness.T, atol=1e-7)


def test_a_product_is_never_its_own_neighbour():
    assert not fitted().diagonal().any()


def test_each_product_keeps_its_nearest_only():
    # 0 is as like to 1 as to 2 (two common buyers) and less to 3; 3 is nearest to 2
    likeness = fitted(neighbours=1)
    assert (np.count_nonzero(likeness, axis=1) == 1).all()
    assert likeness[3].argmax() == 2


def test_few_common_buyers_say_less():
    # two in common: 2 / (2 + 2) of the cosine; one in common: 1 / (1 + 2)
    assert fitted(shrinkage=2.0)[0, 1] == pytest.approx(2 / np.sqrt(8) / 2)
    assert fitted(shrinkage=2.0)[2, 3] == pytest.approx(1 / np.sqrt(2) / 3)


def test_a_product_with_too_few_buyers_is_nobodys_neighbour():
    likeness = fitted(min_buyers=2)
    assert not likeness[:, 3].any()
    assert likeness[0, 1] > 0


def test_purchases_that_nobody_made_give_no_neighbours():
    assert ItemKnn.fit(sparse.csr_matrix((3, 4), dtype=np.float32), 2, 1.0, 1).similarity.nnz == 0


def test_likeness_survives_saving(tmp_path: Path):
    model = ItemKnn.fit(PURCHASES, 2, 1.0, 1)
    model.save(tmp_path)
    np.testing.assert_array_equal(ItemKnn.load(tmp_path).similarity.toarray(), model.similarity.toarray())


def block(catalogue: Catalogue, *bought: str) -> CustomerBatch:
    return CustomerBatch.of([Customer.from_features(buyer_features(*bought))], catalogue, np.ones((1, 4), np.float32))


def everything(catalogue: Catalogue) -> ProductSubset:
    return ProductSubset(catalogue, np.arange(len(catalogue)))


def test_the_source_adds_up_the_likeness_to_everything_bought_and_travels_with_the_catalogue(tmp_path: Path):
    small_catalogue().save(tmp_path)
    catalogue = load_catalogue(tmp_path)
    # each pair of neighbours up to p3 has a buyer in common; p0 weighs 2, p2 weighs 1, and the weight is the root
    alike = catalogue.model("item_knn", ItemKnn).similarity.toarray()
    scores = SOURCES["item_knn"].score(block(catalogue, "p0", "p2"), everything(catalogue))[0]
    assert scores.nonzero()[0].tolist() == [1, 3]
    assert scores[1] == pytest.approx(np.sqrt(2) * alike[1, 0] + alike[1, 2])


def test_a_catalogue_without_it_keeps_no_file_of_it_and_names_the_next_step(tmp_path: Path):
    whole = small_catalogue()
    off = replace(whole, models={name: model for name, model in whole.models.items() if name != "item_knn"})
    off.save(tmp_path)
    assert not (tmp_path / "models" / "item_knn").exists()
    catalogue = load_catalogue(tmp_path)
    with pytest.raises(
        ScoringError, match=r"no model of the candidate source 'item_knn'\. Name the source in \[sources\]"
    ):
        SOURCES["item_knn"].score(block(catalogue, "p0"), everything(catalogue))
