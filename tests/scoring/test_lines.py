"""A line is a type from one maker; its other products are substitutes."""

from dataclasses import replace

import numpy as np
import pytest

from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.product_subset import ProductSubset
from scoring.candidates.sources import SOURCES
from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer
from tests.support.serving.small_bundle import buyer_features, small_catalogue

REST = [0] * 6
"""p6 to p11: products without any content."""


@pytest.fixture
def catalogue() -> Catalogue:
    """p0 and p1 are of one line; p2 and p3 have type and maker the other way round; p4 and p5 lack one of the two."""
    whole = small_catalogue()  # buyers in thirteen weeks: p0 twelve, p1 eleven, and so on
    lines = {"product_type": [1, 1, 1, 2, 0, 1, *REST], "manufacturer_id": [1, 1, 2, 1, 1, 0, *REST]}
    return replace(whole, codes=whole.codes | {name: np.array(codes, np.int32) for name, codes in lines.items()})


def test_a_line_is_a_type_from_one_maker(catalogue: Catalogue):
    first, second, third, fourth = catalogue.lines[:4].tolist()
    assert first == second
    assert len({first, third, fourth}) == 3
    assert 0 not in {first, third, fourth}


def test_without_type_or_maker_there_is_no_line(catalogue: Catalogue):
    assert catalogue.lines[4:].tolist() == [0] * 8


def test_lines_are_numbered_alike_if_every_product_has_one(catalogue: Catalogue):
    known = {name: np.ones(12, np.int32) for name in ("product_type", "manufacturer_id")}
    assert replace(catalogue, codes=catalogue.codes | known).lines.tolist() == [1] * 12


def test_the_share_in_a_line_is_by_its_buyers(catalogue: Catalogue):
    assert catalogue.share_in_line[:4] == pytest.approx([12 / 23, 11 / 23, 1, 1])


def test_substitutes_are_the_lines_products_by_their_share(catalogue: Catalogue):
    # p0 weighs 2, p5 1, which is of no line
    customer = Customer.from_features(buyer_features("p0", "p5"))
    block = CustomerBatch.of([customer], catalogue, np.zeros((1, 4), np.float32))
    scores = SOURCES["substitutes"].score(block, ProductSubset(catalogue, np.arange(12)))[0]
    assert scores == pytest.approx([2 * 12 / 23, 2 * 11 / 23, *[0] * 10])
