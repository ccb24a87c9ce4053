"""Slates: what each is for, and what is shown where nothing is known."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from core.files.bundle import MANIFEST, hash_files
from scoring.bundle import QUERY_TOWER, RANKER, Bundle
from scoring.candidates.retriever import Retriever
from scoring.customer.customer import Customer
from scoring.errors import BundleFormatError
from scoring.models.ranker import Ranker
from scoring.models.two_tower import Tower
from scoring.recommender import Recommender
from scoring.request import RecommendationRequest
from tests.support.serving.small_bundle import PRODUCTS, buyer_features, write_bundle


@pytest.fixture(scope="module")
def recommender(tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    return Bundle.open(write_bundle(tmp_path_factory.mktemp("bundle") / "b", "v1")).recommender


def ids(recommender: Recommender, customer: Customer | None, slate: str, k: int) -> list[str]:
    return [item.product_id for item in recommender.recommend(customer, RecommendationRequest(slate, k)).items]


def test_explore_never_shows_what_the_customer_bought(recommender: Recommender):
    customer = Customer.from_features(buyer_features("p0", "p1", "p2"))
    assert not {"p0", "p1", "p2"} & set(ids(recommender, customer, "explore", 9))


def test_all_puts_the_strongest_own_product_first(recommender: Recommender):
    # all = 10 × repeat_decayed_120d + buyers: p9 has 10 × 2 + 3, p4 10 × 1 + 8, the best new one 12
    customer = Customer.from_features(buyer_features("p9", "p4"))
    assert ids(recommender, customer, "all", 3) == ["p9", "p4", "p0"]


def test_a_short_list_is_filled_with_popular_products_below_the_rest(recommender: Recommender):
    customer = Customer.from_features(buyer_features("p3"))
    answer = recommender.recommend(customer, RecommendationRequest("all", PRODUCTS))
    assert len({item.product_id for item in answer.items}) == PRODUCTS
    scores = [item.score for item in answer.items]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(("customer", "why"), [(None, "unknown_customer"), (Customer.empty(), "empty_history")])
def test_without_history_popular_products_are_shown_and_marked(recommender: Recommender, customer, why):
    answer = recommender.recommend(customer, RecommendationRequest("explore", 3))
    assert answer.fallback == why
    assert [item.product_id for item in answer.items] == ["p0", "p1", "p2"]
    assert {item.source for item in answer.items} == {"popular"}


def test_a_customer_for_whom_no_source_has_anything_gets_popular_products(tmp_path: Path):
    folder = write_bundle(tmp_path / "b", "v1")
    catalogue = Bundle.open(folder).recommender.catalogue
    retriever = Retriever(catalogue, Tower(folder / QUERY_TOWER), {"repeat_purchases": 5, "type_affinity": 5})
    customer = Customer.from_features(buyer_features("sold elsewhere"))
    answer = Recommender(retriever, Ranker(folder / RANKER)).recommend(customer, RecommendationRequest("all", 3))
    assert [item.product_id for item in answer.items] == ["p0", "p1", "p2"]
    assert {item.source for item in answer.items} == {"popular"}


def test_a_longer_list_begins_with_the_shorter_one(recommender: Recommender):
    customer = Customer.from_features(buyer_features("p3", "p8"))
    assert ids(recommender, customer, "all", 8)[:4] == ids(recommender, customer, "all", 4)


def test_a_block_of_customers_gets_what_each_gets_alone(recommender: Recommender):
    customers = [Customer.from_features(buyer_features(*own)) for own in (("p3",), ("p1", "p9"), ("p7", "p0"))]
    [(_, together)] = recommender.rank_batch(customers, "all", 6)
    names = recommender.catalogue.product_ids
    for customer, ranked in zip(customers, together, strict=True):
        assert [names[i] for i in ranked.positions] == ids(recommender, customer, "all", 6)


def test_a_request_s_own_products_are_ranked_and_no_others(recommender: Recommender):
    customer = Customer.from_features(buyer_features("p9", "p4"))
    items = recommender.recommend(
        customer, RecommendationRequest("all", 10, restrict_to=("p11", "p4", "gone", "p0", "p9", "p4"))
    ).items
    # as above; p11 was never bought and has one buyer
    assert [item.product_id for item in items] == ["p9", "p4", "p0", "p11"]
    assert [item.score for item in items] == [23.0, 18.0, 12.0, 1.0]
    assert [item.source for item in items[:2]] == ["repeat_purchases", "repeat_purchases"]


def test_reranking_scores_products_as_recommending_them_does(recommender: Recommender):
    customer = Customer.from_features(buyer_features("p3", "p8"))
    usual = recommender.recommend(customer, RecommendationRequest("all", 6)).items
    restrict_to = tuple(item.product_id for item in reversed(usual))
    assert recommender.recommend(customer, RecommendationRequest("all", 6, restrict_to=restrict_to)).items == usual


def test_reranking_only_unknown_products_gives_an_empty_list(recommender: Recommender):
    request = RecommendationRequest("all", 5, restrict_to=("gone",))
    assert recommender.recommend(Customer.from_features(buyer_features("p3")), request).items == []


def test_a_bundle_altered_after_publishing_is_refused(tmp_path: Path):
    folder = write_bundle(tmp_path / "b", "v1")
    ranker = folder / "model" / "ranker.onnx"
    ranker.write_bytes(ranker.read_bytes() + b"\0")
    with pytest.raises(Exception, match=r"model/ranker\.onnx of bundle v1 was altered"):
        Bundle.open(folder)


def test_a_bundle_made_with_other_features_is_refused_by_their_names(tmp_path: Path):
    folder = write_bundle(tmp_path / "b", "v1")
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["numeric"].remove("customer_spend_4w")
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(Exception, match=r"v1 was trained on other features .* \(new here: customer_spend_4w\)\. Train"):
        Bundle.open(folder)


def test_a_bundle_holds_no_file_that_its_manifest_does_not_name(tmp_path: Path):
    folder = write_bundle(tmp_path / "b", "v1")
    (folder / "model.yaml").write_text("BentoML's own")
    Bundle.open(folder)

    (folder / "catalogue" / "more.npy").write_bytes(b"")
    with pytest.raises(Exception, match=r"catalogue/more\.npy is in the folder of bundle v1 and not in its manifest"):
        Bundle.open(folder)


def test_a_pickle_is_refused_even_if_the_manifest_names_it(tmp_path: Path):
    folder = write_bundle(tmp_path / "b", "v1")
    (folder / "model" / "extra.pkl").write_bytes(pickle.dumps("harmless"))
    _sign(folder)
    with pytest.raises(Exception, match=r"model/extra\.pkl must not be in a bundle"):
        Bundle.open(folder)

    (folder / "model" / "extra.pkl").unlink()
    np.save(folder / "catalogue" / "vectors.npy", np.array([{"an": "object"}]), allow_pickle=True)
    _sign(folder)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        Bundle.open(folder)


def _sign(folder: Path) -> None:
    """Put every hash in order."""
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(manifest | {"files": hash_files(folder)}))


def test_a_bundle_that_answers_differently_is_found_out(tmp_path: Path):
    folder = write_bundle(tmp_path / "b", "v1")
    bundle = Bundle.open(folder)
    bundle.check_golden()
    wrong = bundle.golden[-1].model_copy(update={"product_ids": ["p11", "p10", "p9", "p8", "p7"]})
    with pytest.raises(Exception, match="golden request 0"):
        Bundle(folder, bundle.manifest, bundle.recommender, [wrong]).check_golden()


def test_a_bundle_of_an_earlier_format_names_the_next_step(tmp_path: Path):
    folder = write_bundle(tmp_path / "bundle", "v1")
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({name: manifest[name] for name in manifest if name != "format"}))
    words = r"Bundle v1 has format 1, and this code reads format 2\. Train a new version with 'make retrain'"
    with pytest.raises(BundleFormatError, match=words):
        Bundle.open(folder)
