"""The towers first learn to find what is hidden of a history: what is hidden, and what is left to see."""

import numpy as np
import pytest

from ml.retrieval.examples import MASKED_PER_CUSTOMER, Batch, SnapshotExamples, masked_history_batches
from scoring.models.two_tower import HISTORY_LENGTH, HISTORY_WEIGHTS, QUERY_FIELDS, SEQUENCE_LENGTH

PRODUCTS = 60
LENGTHS = (45, 6, 2)
"""Products in the histories of three customers; the last one has too few to hide any."""


def examples() -> SnapshotExamples:
    """Customer i bought the first `LENGTHS[i]` products; the product at catalogue index p has code 60 - p."""
    codes = np.arange(PRODUCTS, 0, -1, dtype=np.int32)
    history = np.zeros((len(LENGTHS), HISTORY_LENGTH), np.int32)
    weights = np.zeros((len(LENGTHS), HISTORY_LENGTH, len(HISTORY_WEIGHTS)), np.float32)
    for row, length in enumerate(LENGTHS):
        history[row, :length] = codes[:length]
        weights[row, :length] = 1.0 / length
    sequence = history[:, :SEQUENCE_LENGTH]
    return SnapshotExamples(
        queries={f"history_{field}": history for field in QUERY_FIELDS}
        | {f"sequence_{field}": sequence for field in QUERY_FIELDS}
        | {"history_weights": weights, "sequence_mask": (sequence > 0).astype(np.float32)},
        candidates={"product_id": codes},
        new_purchases=[np.array([50])] * len(LENGTHS),
        frequency=np.full(PRODUCTS, 1 / PRODUCTS, np.float32),
    )


@pytest.fixture
def batch() -> Batch:
    (batch,) = masked_history_batches(examples(), customers=10, negatives=5, rng=np.random.default_rng(1))
    return batch


def hidden_codes(batch: Batch, row: int) -> np.ndarray:
    return batch.candidates["product_id"][: len(batch.query_of)][batch.query_of == row]


def test_a_dozen_products_are_hidden_but_never_more_than_a_third(batch: Batch):
    lengths = (batch.queries["history_product_id"] > 0).sum(axis=1)
    hidden = {int(length): len(hidden_codes(batch, row)) for row, length in enumerate(lengths)}
    assert hidden == {45: MASKED_PER_CUSTOMER, 6: 2, 2: 0}


def test_what_is_hidden_was_bought_and_can_not_be_seen(batch: Batch):
    for row in range(len(LENGTHS)):
        history, hidden = batch.queries["history_product_id"][row], hidden_codes(batch, row)
        assert set(hidden) <= set(history[history > 0])
        gone = np.isin(history, hidden)
        assert not batch.queries["history_weights"][row, gone].any()
        sequence = batch.queries["sequence_product_id"][row]
        seen = sequence[batch.queries["sequence_mask"][row] > 0]
        assert not set(seen) & set(hidden)
        assert len(seen) == (sequence > 0).sum() - np.isin(sequence, hidden).sum()


def test_the_weights_of_what_is_left_sum_to_one(batch: Batch):
    np.testing.assert_allclose(batch.queries["history_weights"].sum(axis=1), 1.0, rtol=1e-5)


def test_the_examples_themselves_stay_whole():
    kept, rng = examples(), np.random.default_rng(1)
    list(masked_history_batches(kept, 10, 5, rng))
    np.testing.assert_array_equal(kept.queries["history_weights"], examples().queries["history_weights"])
    np.testing.assert_array_equal(kept.queries["sequence_mask"], examples().queries["sequence_mask"])


def test_what_is_bought_more_often_is_corrected_more(batch: Batch):
    # p0 was bought by all three customers, p40 by one, p59 by none
    chance = dict(zip(batch.candidate_ids.tolist(), batch.probability.tolist(), strict=True))
    first = [chance[p] for p in chance if p < 2]
    later = [chance[p] for p in chance if 6 <= p < 45]
    never = [chance[p] for p in chance if p >= 45]
    assert not first or min(first) > max(later)
    assert not never or max(never) < min(later)


def test_customers_with_short_histories_only_give_no_batch():
    short = examples()
    rows = {name: values[2:] for name, values in short.queries.items()}
    alone = SnapshotExamples(rows, short.candidates, short.new_purchases[2:], short.frequency)
    assert list(masked_history_batches(alone, 10, 5, np.random.default_rng(1))) == []
