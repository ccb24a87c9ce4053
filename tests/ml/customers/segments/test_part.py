"""Segments from fit to published tables, on a made-up shop."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ml.customers.inputs import Inputs
from ml.customers.part import Decision
from ml.customers.segments import Segments, certificate, study
from ml.errors import NotEnoughDataError
from tests.support.ml.segment_shop import write_segment_shop

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def few_refits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate, "REFITS", 2)
    monkeypatch.setattr(certificate, "RESAMPLES", 10)
    monkeypatch.setattr("ml.customers.segments.part.RESAMPLES", 10)
    monkeypatch.setattr("ml.customers.segments.part.MARGINS", (0.0, 0.2))
    monkeypatch.setattr("ml.customers.segments.clusters.RESTARTS", 2)
    monkeypatch.setattr(study, "MIN_CUSTOMERS", 100)


def shop(folder: Path, customers: int = 150, with_categories: bool = True) -> Inputs:
    inputs = write_segment_shop(folder, customers, with_categories)
    # 36 weeks are enough: half a year before the validation window of eight weeks.
    return Inputs(inputs.features, inputs.instants[:18], inputs.seed)


def test_both_axes_are_certified_and_the_controls_are_refused(tmp_path: Path) -> None:
    inputs = shop(tmp_path / "tables")
    verdict = Segments().fit(inputs, tmp_path)

    assert verdict.decision == Decision.MODEL
    published = {row["scheme"]: row["published"] for row in verdict.tables["certificates"]}
    assert published["spend tiers"] == "yes"
    assert published["k-means on RFM, 8 clusters"] == published["random split"] == "no"
    assert any(reason.startswith("random split refused: spend_eta2") for reason in verdict.reasons)
    assert verdict.measures["segment_kappa"].is_met

    Segments().score(inputs, tmp_path, tmp_path)
    segments = pq.read_table(tmp_path / "segments.parquet").to_pylist()
    history = pq.read_table(tmp_path / "segment_history.parquet").to_pylist()
    assert [(row["customer_id"], row["axis"]) for row in segments] == [
        (f"c{k:04}", axis) for k in range(150) for axis in ("taste", "value")
    ]
    before = {(row["snapshot"], row["customer_id"], row["axis"]): row["segment"] for row in history}
    for row in segments:
        key = (row["customer_id"], row["axis"])
        elsewhere = [instant for instant in inputs.instants if before[(instant, *key)] != row["segment"]]
        assert row["since"] == min(instant for instant in inputs.instants if not elsewhere or instant > elsewhere[0])


def test_a_shop_without_categories_has_a_value_axis_only(tmp_path: Path) -> None:
    inputs = shop(tmp_path / "tables", with_categories=False)
    verdict = Segments().fit(inputs, tmp_path)
    Segments().score(inputs, tmp_path, tmp_path)

    assert any(reason.startswith("No taste axis") for reason in verdict.reasons)
    assert set(pq.read_table(tmp_path / "segments.parquet")["axis"].to_pylist()) == {"value"}


def test_thirty_customers_are_not_enough(tmp_path: Path) -> None:
    with pytest.raises(NotEnoughDataError, match="30 customers bought before"):
        Segments().fit(shop(tmp_path / "tables", 30), tmp_path)
