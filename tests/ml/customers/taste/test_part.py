"""The taste vector from fit to published table, on a made-up shop with 40 categories."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.customers.inputs import Inputs
from ml.customers.part import Decision
from ml.customers.taste import Taste
from ml.errors import NotEnoughDataError

pytestmark = pytest.mark.integration

NOW = datetime(2018, 1, 1)


def shop(folder: Path, categories: int = 40, customers: int = 250) -> Inputs:
    """Write purchases of two tastes at seven snapshots."""
    folder.mkdir()
    rng = np.random.default_rng(2)
    instants = [NOW - timedelta(weeks=2 * k) for k in range(7)]
    rows = []
    for instant in instants:
        for k in range(customers):
            own = np.sort(rng.choice(categories // 2, 8, replace=False) + categories // 2 * (k % 2))
            recent = rng.integers(0, 2, 8).astype(float).tolist()
            rows.append((f"c{k:03}", instant, [f"category {c:02}" for c in own], [2.0] * 8, recent))
    names = ("customer_id", "event_timestamp", "categories", "baskets_26w", "baskets_4w")
    table = pa.table({name: [row[k] for row in rows] for k, name in enumerate(names)})
    pq.write_table(table, folder / "feat_customer_categories.parquet")
    pq.write_table(table.select(names[:2]), folder / "feat_customer_profile.parquet")
    return Inputs(folder, instants, seed=1)


def test_the_better_encoder_is_published_and_two_fits_are_equal(tmp_path: Path) -> None:
    inputs = shop(tmp_path / "tables")
    verdict = Taste().fit(inputs, tmp_path)
    first = (tmp_path / "encoder.npz").read_bytes()
    Taste().fit(inputs, tmp_path)
    Taste().score(inputs, tmp_path, tmp_path)

    assert (tmp_path / "encoder.npz").read_bytes() == first
    recall = {str(row["encoder"]): float(row["new recall@20"] or 0) for row in verdict.tables["encoders"]}
    assert recall["PCA"] > recall["popularity"] + 0.1
    lead = recall["autoencoder"] - recall["PCA"]
    assert verdict.decision == (Decision.MODEL if lead >= 0.01 else Decision.RULE)
    published = pq.read_table(tmp_path / "taste.parquet")
    assert published["customer_id"].to_pylist() == [f"c{k:03}" for k in range(250)]
    assert {len(vector) for vector in published["taste"].to_pylist()} == {16}


@pytest.mark.parametrize(
    ("categories", "customers", "reason"), [(16, 250, "categories are"), (40, 30, "customers bought")]
)
def test_too_little_is_said(tmp_path: Path, categories: int, customers: int, reason: str) -> None:
    with pytest.raises(NotEnoughDataError, match=reason):
        Taste().fit(shop(tmp_path / "tables", categories, customers), tmp_path)
