"""The matrix of tiers and clusters, counted by hand."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from marketing.errors import ScoresError
from marketing.segments.matrix import WITHOUT, Cell, segment_matrix
from tests.support.marketing.published_scores import write_scores


def test_customers_are_counted_with_their_mean_predictions(tmp_path: Path) -> None:
    matrix = segment_matrix(write_scores(tmp_path))

    assert matrix.tiers == {"high": "High", "low": "Low", WITHOUT: "no tier"}
    assert matrix.clusters == {"beef": "Beef", WITHOUT: "no cluster"}
    assert matrix.cells["high", "beef"] == Cell(1, 600.0, pytest.approx(0.1))
    assert matrix.cells["high", WITHOUT] == Cell(1, 500.0, pytest.approx(0.2))
    assert ("low", "beef") not in matrix.cells
    assert matrix.of_tier["low"] == Cell(3, 300.0, pytest.approx(0.4))
    assert matrix.of_cluster[WITHOUT].customers == 5
    assert matrix.total == Cell(6, 350.0, pytest.approx(0.35))


def test_without_predictions_customers_are_counted_all_the_same(tmp_path: Path) -> None:
    folder = write_scores(tmp_path)
    (folder / "predictions.parquet").unlink()
    assert segment_matrix(folder).of_tier["high"] == Cell(2, None, None)


def test_without_an_axis_the_reason_is_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"customer_id": ["c1"], "lapse_8w": [0.5]}), tmp_path / "predictions.parquet")
    with pytest.raises(ScoresError, match="no axis has met its bars"):
        segment_matrix(tmp_path)
