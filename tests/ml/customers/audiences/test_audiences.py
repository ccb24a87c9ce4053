"""The index equals the feature tables, and lifts and choices are those computed by hand."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from marketing.audience.index import AudienceIndex
from ml.customers.audiences.evaluate import FREQUENCY, LOGISTIC, SPEND, MethodResults, lift
from ml.customers.audiences.index import write_index
from ml.customers.inputs import Inputs
from tests.support.feature_store.synthetic_features import write_feature_tables

SNAPSHOTS = [datetime(2018, 1, 1, 5), datetime(2017, 12, 18, 5)]


@pytest.mark.parametrize("has_categories", [True, False])
def test_the_index_holds_the_rows_of_its_snapshot(tmp_path: Path, has_categories: bool) -> None:
    features = tmp_path / "features"
    write_feature_tables(features, SNAPSHOTS)
    if not has_categories:
        (features / "feat_customer_categories.parquet").unlink()
    inputs = Inputs(features, SNAPSHOTS[1:], 1)
    write_index(inputs, tmp_path)
    index = AudienceIndex.open(tmp_path)

    history = pq.read_table(features / "feat_customer_history.parquet").to_pylist()
    history = [row for row in history if row["event_timestamp"] == SNAPSHOTS[1]]
    ids = index.customer_ids.to_pylist()
    assert ids == sorted(row["customer_id"] for row in history)
    for product, row in index.numbers["product"].items():
        expected = {
            bought["customer_id"]: bought["baskets"][bought["product_ids"].index(product)]
            for bought in history
            if product in bought["product_ids"]
        }
        buyers = index.past_buyers([row])
        assert dict(zip([ids[n] for n in buyers.customers], buyers.bought[:, 2].tolist(), strict=True)) == expected
    lengths = np.linalg.norm(index.taste, axis=1)
    if has_categories:
        soup = index.numbers["category"]["SOUP"]
        assert index.parents([soup]) == [index.numbers["department"]["FOOD"]]
        assert len(index.past_buyers([soup]).customers) == len(ids) - 1  # c2 has an empty history
        np.testing.assert_allclose(np.delete(lengths, ids.index("c2")), 1, rtol=1e-5)
    else:
        assert index.numbers["category"] == {}
        assert not lengths.any()


def test_a_lift_is_the_share_of_buyers_in_the_best_tenth_over_the_share_in_all() -> None:
    bought = np.zeros(40, bool)
    bought[[0, 1, 2, 20]] = True
    assert lift(-np.arange(40.0), bought) == pytest.approx(0.75 / 0.1)
    assert np.isnan(lift(np.arange(40.0), np.zeros(40, bool)))


@pytest.mark.parametrize(("better", "expected"), [(0.5, LOGISTIC), (-0.5, FREQUENCY)])
def test_the_gate_publishes_the_method_that_wins_over_items(better: float, expected: str) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 30)
    results = MethodResults(
        lifts={LOGISTIC: (2 + better + noise).tolist(), FREQUENCY: [2.0] * 30, SPEND: [1.0] * 30},
        losses={LOGISTIC: [0.2] * 30, FREQUENCY: [0.21] * 30, SPEND: [0.3] * 30},
    )
    chosen, sentence = results.choose(1)
    assert chosen == expected
    assert "by frequency" in sentence
