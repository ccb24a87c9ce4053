"""Audiences of a shop with six customers, checked by hand."""

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from marketing.audience.audience import Limits, audience, look_alikes
from marketing.audience.curve import reach
from marketing.audience.index import AudienceIndex
from marketing.audience.question import Buyers, category_items, coupon_items, product_items
from marketing.errors import AudienceError, ScoresError
from tests.support.marketing.audience_index import model, write_index


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> AudienceIndex:
    return AudienceIndex.open(write_index(tmp_path_factory.mktemp("audience")))


def logistic(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def test_past_and_new_buyers_are_ordered_together_by_probability(index: AudienceIndex) -> None:
    found = audience(index, model(), category_items(index, "soup"), Limits())
    # c0: 4 baskets of soup; c2 never bought soup, but 9 baskets of food; c1: 1 basket; c3 and c4 nothing: by id.
    assert found.customer_ids.to_pylist() == ["c0", "c2", "c1", "c3", "c4"]
    expected = [logistic(-2 + 2 * math.log(5)), logistic(-5 + 2 * math.log(10)), logistic(-2 + 2 * math.log(2))]
    np.testing.assert_allclose(found.scores, [*expected, logistic(-5), logistic(-5)], rtol=1e-5)
    assert found.is_past.tolist() == [True, False, True, False, False]
    assert found.total is not None
    assert found.total.expected_buyers == pytest.approx(found.scores.sum())


def test_everyone_is_in_the_audience_or_left_out_with_a_reason(index: AudienceIndex) -> None:
    limits = Limits(Buyers.NEW, size=1, exclude=["c3"])
    found = audience(index, model(), category_items(index, "SOUP"), limits)
    assert found.customer_ids.to_pylist() == ["c2"]
    assert {part.reason: (part.customers, part.examples) for part in found.left_out} == {
        "bought nothing in the last 13 weeks": (1, ["c5"]),
        "bought the category 'SOUP' before": (2, ["c0", "c1"]),
        "excluded by the question": (1, ["c3"]),
        "beyond the size of 1": (1, ["c4"]),
    }
    assert len(found.scores) + sum(part.customers for part in found.left_out) == len(index.customers)


def test_products_together_add_their_baskets(index: AudienceIndex) -> None:
    items = product_items(index, ["p1", "p2", "never sold"])
    assert items.unsold == ["never sold"]
    buyers = index.past_buyers(list(items.rows))
    assert buyers.customers.tolist() == [0, 1, 5]
    assert buyers.bought.tolist() == [[1, 4, 9, 2], [0, 1, 1, 60], [0, 0, 3, 200]]
    past = audience(index, model(), items, Limits(Buyers.PAST))
    assert past.customer_ids.to_pylist() == ["c0", "c1"]


def test_look_alikes_are_nearest_by_cosine_and_not_the_given_ones(index: AudienceIndex) -> None:
    found = look_alikes(index, ["c0"], None, Limits())
    assert found.customer_ids.to_pylist() == ["c2", "c1", "c3", "c4"]
    np.testing.assert_allclose(found.scores, [0.8, 0.6, 0, 0], atol=1e-6)
    published = pa.table({"customer_id": ["c1", "c0"], "taste": [[0.0, 2.0], [0.0, 1.0]]})
    assert look_alikes(index, ["c0"], published, Limits()).customer_ids.to_pylist() == ["c1"]


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda index: category_items(index, "Soap"), "'Soap' is not a category .* Near names: 'SOUP'"),
        (lambda index: product_items(index, ["p9"]), "No customer ever bought 'p9'.* Examples: 'p1', 'p2'"),
        (lambda index: product_items(index, []), "Give at least one product_id"),
        (lambda index: coupon_items(index, Path("nowhere.parquet"), "1"), "has no coupons table"),
        (lambda index: look_alikes(index, ["x"], None, Limits()), "No taste is known of the given customers .'x'."),
        (lambda _: Limits(size=0), "An audience of 0 customers is empty"),
        (lambda _: Limits(least_probability=1.5), "1.5 is not a probability"),
        (
            lambda index: audience(index, model(), category_items(index, "SOUP"), Limits(least_probability=0.99)),
            "The audience is empty: 1 bought nothing .* highest score is 0.7",
        ),
    ],
)
def test_a_question_without_an_answer_gets_a_sentence(index: AudienceIndex, ask, message: str) -> None:
    with pytest.raises(AudienceError, match=message):
        ask(index)


def test_missing_scores_name_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(ScoresError, match="Score the customers first"):
        AudienceIndex.open(tmp_path)


def test_the_interval_holds_chance_and_the_spread_between_items() -> None:
    found = reach(np.full(400, 0.5), 100, 0.1)
    # The variance of chance is 100 * .25 = 25; a shift of the log odds by .1 moves 2.5 buyers.
    width = 1.96 * math.sqrt(25 + 2.5**2)
    assert (found.expected_buyers, found.share) == (50, 0.25)
    assert (found.low, found.high) == pytest.approx((50 - width, 50 + width))
