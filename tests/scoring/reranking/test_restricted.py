"""Restricted products are in no list of any kind, and other candidates take their ranks."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.files.bundle import MANIFEST, hash_files
from core.restricted import Restricted, hidden_patterns, packaged_patterns
from scoring.bundle import VOCABULARY, Bundle
from scoring.customer.customer import Customer
from scoring.recommender import Recommender
from scoring.request import RecommendationRequest
from scoring.reranking.business_rules import BusinessRules
from scoring.reranking.restricted import restricted_products
from tests.support.serving.small_bundle import PRODUCTS, buyer_features, small_catalogue, write_bundle

BAKERY = Restricted(categories=("bak*",))
BARRED = {"p0", "p4", "p8"}
"""The products of the category Bakery."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return Bundle.open(write_bundle(tmp_path_factory.mktemp("bundle") / "b", "v1"))


@pytest.fixture(scope="module")
def recommender(bundle: Bundle) -> Recommender:
    return bundle.without(BAKERY).recommender


BUYER = Customer.from_features(buyer_features("p0", "p4", "p3"))
ALLOWED = [f"p{number}" for number in range(PRODUCTS) if f"p{number}" not in BARRED]


def ids(recommender: Recommender, customer: Customer | None, **request: object) -> list[str]:
    return [item.product_id for item in recommender.recommend(customer, RecommendationRequest(**request)).items]


@pytest.mark.parametrize("slate", ["all", "explore"])
@pytest.mark.parametrize("customer", [BUYER, None, Customer.empty()])
def test_a_list_keeps_its_length_without_them(recommender: Recommender, customer: Customer | None, slate: str) -> None:
    found = ids(recommender, customer, slate=slate, k=5)
    assert len(found) == 5
    assert not BARRED & set(found)
    # The others keep their order.
    everything = [one for one in ids(recommender.without(None), customer, slate=slate, k=PRODUCTS) if one not in BARRED]
    assert found == everything[:5]


@pytest.mark.parametrize("slate", ["all", "explore"])
def test_the_baseline_and_business_rules_leave_them_out_too(bundle: Bundle, slate: str) -> None:
    baseline = Recommender(bundle.recommender.retriever, bundle.recommender._ranker, baseline=True)
    for one in (baseline, bundle.recommender):
        restricted = one.without(bundle.recommender.catalogue.category == one.catalogue.categories["Bakery"])
        for rules in (BusinessRules(), BusinessRules(exclude=frozenset({"p1"}))):
            found = ids(restricted, BUYER, slate=slate, k=PRODUCTS, rules=rules)
            bought = {"p3"} if slate == "explore" else set()
            assert set(found) == set(ALLOWED) - rules.exclude - bought


def test_given_products_become_fewer(recommender: Recommender) -> None:
    assert ids(recommender, BUYER, k=3, restrict_to=("p0", "p1", "p3")) == ["p3", "p1"]


@pytest.mark.parametrize("asked", ["p0", "p1"])
def test_similar_items_leave_them_out_also_of_a_restricted_product(recommender: Recommender, asked: str) -> None:
    found = [item.product_id for item in recommender.similar(asked, PRODUCTS).items]
    assert sorted(found) == sorted(set(ALLOWED) - {asked})


def test_lists_of_many_customers_equal_those_of_one(recommender: Recommender) -> None:
    [(_, [ranked])] = recommender.rank_batch([BUYER], "all", 6)
    names = [recommender.catalogue.product_ids[position] for position in ranked.positions]
    assert names == ids(recommender, BUYER, slate="all", k=6)


def test_golden_requests_are_answered_with_all_products_and_probes_as_the_service_does(bundle: Bundle) -> None:
    restricted = bundle.without(BAKERY)
    restricted.check_golden()
    assert bundle.service_probes(BAKERY)[0].product_ids[:3] == ["p1", "p2", "p3"]
    assert restricted.service_probes(None)[0].product_ids[0] == "p0"


def test_departments_and_types_are_compared_too(tmp_path: Path) -> None:
    catalogue = small_catalogue()
    barred = restricted_products(catalogue, ["GROCERY", "SPIRITS"], Restricted(departments=("spirits",)))
    assert np.array_equal(barred, catalogue.codes["department"] == 2)
    typed = replace(catalogue, type_names=["CIGARS", *catalogue.type_names[1:]])
    assert restricted_products(typed, [], packaged_patterns()).tolist() == [True] + [False] * (PRODUCTS - 1)
    folder = write_bundle(tmp_path / "b", "v1")
    (folder / VOCABULARY).write_text(json.dumps({"department": ["GROCERY", "SPIRITS"]}))
    manifest = json.loads((folder / MANIFEST).read_text()) | {"files": hash_files(folder)}
    (folder / MANIFEST).write_text(json.dumps(manifest))
    opened = Bundle.open(folder).without(packaged_patterns())
    assert ids(opened.recommender, None, k=PRODUCTS) == [f"p{n}" for n in range(PRODUCTS) if (n + 1) % 4 != 2]


def test_a_shop_adds_patterns_and_a_wrong_file_is_named(tmp_path: Path) -> None:
    own = tmp_path / "policy.toml"
    own.write_text('[classes.promotional]\nper_day = 2\n[restricted]\ncategories = ["KNIVES"]\n')
    found = hidden_patterns(True, own, ValueError)
    assert found is not None
    assert found.categories == (*packaged_patterns().categories, "KNIVES")
    assert hidden_patterns(False, own, ValueError) is None
    own.write_text("[restricted]\nkinds = []\n")
    with pytest.raises(ValueError, match=r"policy.toml cannot be used"):
        hidden_patterns(True, own, ValueError)
