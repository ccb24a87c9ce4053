"""Clusters of taste: planted ones are found again and named, and a customer leaves one only beyond the margin."""

import json
from pathlib import Path

import numpy as np
import pytest

from ml.customers.inputs import Inputs
from ml.customers.segments.clusters import nearest_centre
from ml.customers.segments.customers import Customers, read_customers
from ml.customers.segments.scheme import UNASSIGNED
from ml.customers.segments.taste_clusters import TasteClusters, name_clusters, slug
from tests.support.ml.segment_shop import write_segment_shop


@pytest.fixture(scope="module")
def customers(tmp_path_factory: pytest.TempPathFactory) -> Customers:
    folder: Path = tmp_path_factory.mktemp("taste") / "tables"
    inputs: Inputs = write_segment_shop(folder, 60)
    with inputs.connect() as connection:
        return read_customers(connection, inputs.now)


def test_planted_tastes_are_found_and_named_by_what_distinguishes_them(customers: Customers) -> None:
    clusters = TasteClusters.fit(customers, 3, 0.0, seed=1)
    found = clusters.assign(customers)

    assert [len(set(found[k::3])) for k in range(3)] == [1, 1, 1]
    assert len(set(found)) == 3
    departments = [
        {"BEER": "D", "SODA": "D", "BEEF": "M", "PORK": "M"}.get(s.id.upper(), "P") for s in clusters.segments
    ]
    assert sorted(departments) == ["D", "M", "P"]


def test_two_fits_are_equal_and_survive_their_file(customers: Customers) -> None:
    clusters = TasteClusters.fit(customers, 3, 0.2, seed=1)
    again = TasteClusters.from_dict(json.loads(json.dumps(clusters.as_dict())))

    assert TasteClusters.fit(customers, 3, 0.2, seed=1).as_dict() == clusters.as_dict()
    assert again.segments == clusters.segments
    assert again.assign(customers).tolist() == clusters.assign(customers).tolist()


def test_a_customer_with_few_purchases_has_no_taste(customers: Customers) -> None:
    clusters = TasteClusters.fit(customers, 3, 0.0, seed=1)
    few = Customers(**{**vars(customers), "category_baskets": np.where(np.arange(60) == 0, 19.0, 20.0)})

    assert (clusters.assign(few) == UNASSIGNED).nonzero()[0].tolist() == [0]


def test_a_new_centre_must_be_nearer_by_the_margin() -> None:
    centres, points = np.array([[0.0], [10.0]]), np.array([[5.2], [6.0]])

    # The distances to the old centre are 5.2 and 6; to the new one 4.8 (92 %) and 4 (67 %).
    assert nearest_centre(points, centres, np.array([0, 0]), 0.2).tolist() == [0, 1]
    assert nearest_centre(points, centres, np.array([UNASSIGNED, 0]), 0.2).tolist() == [1, 1]


def test_two_clusters_never_share_an_id() -> None:
    named = name_clusters(["DOG FOOD", "TEA & COFFEE"], np.array([[0.3, 0.1], [0.2, 0.1], [0.1, 0.0]]))

    assert [segment.id for segment in named] == ["dog-food", "tea-coffee", "cluster-3"]
    assert named[0].label == "Buys more DOG FOOD and TEA & COFFEE"
    assert slug("牛肉 / 猪肉") == "牛肉-猪肉"
    assert slug("&") == "unnamed"
