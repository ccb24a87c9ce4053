"""The whole part on made-up customers: honest windows, files that repeat, and a shop that lacks something."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from ml.customers.inputs import Inputs
from ml.customers.part import Decision, Verdict
from ml.customers.predictions import Predictions
from ml.customers.predictions.windows import windows
from ml.errors import NotEnoughDataError
from settings import Settings
from tests.support.ml.made_customers import write_customers

pytestmark = pytest.mark.integration

AS_OF = date(2018, 1, 1)
COLUMNS = [
    "customer_id", "lapse_4w", "lapse_8w", "spend_8w", "spend_8w_low", "spend_8w_high", "order_7d", "order_14d",
    "categories_due", "categories_due_probability",
]  # fmt: skip
PROBABILITIES = ("lapse_4w", "lapse_8w", "order_7d", "order_14d")


def inputs_of(folder: Path, customers: int, later: int = 0) -> Inputs:
    """Return what is known at a snapshot, of tables that hold so many later ones as well."""
    instants = Settings(data=folder).snapshot_instants(AS_OF)[: 14 + later]
    features = folder / "features"
    features.mkdir()
    write_customers(features, instants, customers)
    return Inputs(features, instants[later:], seed=7, memory="512MB")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Inputs, Path, Verdict]:
    folder = tmp_path_factory.mktemp("predictions")
    inputs = inputs_of(folder, 400, later=2)
    model = folder / "model"
    model.mkdir()
    return inputs, model, Predictions().fit(inputs, model)


def test_training_ends_before_the_evaluation_begins(made: tuple[Inputs, Path, Verdict]) -> None:
    inputs, _, verdict = made
    for weeks in (1, 2, 4, 8):
        chosen = windows(inputs, weeks)
        assert max(end for _, end in chosen.training) <= min(snapshot for snapshot, _ in chosen.evaluation)
        assert max(end for _, end in chosen.evaluation) == inputs.now
    assert verdict.until == date(2017, 10, 9)


def test_every_target_has_its_measures_and_its_reason(made: tuple[Inputs, Path, Verdict]) -> None:
    _, _, verdict = made

    assert verdict.decision in (Decision.MODEL, Decision.RULE)
    assert verdict.measures["lapse_8w_auc"].value > 0.75
    assert 0.7 < verdict.measures["spend_8w_covered"].value < 0.9
    assert verdict.measures["categories_due_precision"].value > 0.5
    assert {row["target"] for row in verdict.tables["targets"]} >= {
        "lapse_4w",
        "order_7d",
        "spend_8w",
        "categories_due",
    }
    assert len(verdict.reasons) == 6


def test_scores_are_probabilities_that_do_not_contradict_each_other(
    made: tuple[Inputs, Path, Verdict], tmp_path: Path
) -> None:
    inputs, model, _ = made
    Predictions().score(inputs, model, tmp_path)
    table = pq.read_table(tmp_path / "predictions.parquet")
    rows = table.to_pylist()

    assert table.column_names == COLUMNS
    assert [row["customer_id"] for row in rows] == sorted(row["customer_id"] for row in rows)
    assert len(rows) == 400
    assert all(0 <= row[name] <= 1 for row in rows for name in PROBABILITIES)
    assert all(row["order_7d"] <= row["order_14d"] <= 1 - row["lapse_4w"] + 1e-9 for row in rows)
    assert all(row["lapse_8w"] <= row["lapse_4w"] for row in rows)
    assert all(row["spend_8w_low"] <= row["spend_8w"] <= row["spend_8w_high"] for row in rows)
    due = [row["categories_due"] for row in rows if row["categories_due"]]
    assert due
    assert all(row["categories_due_probability"] == sorted(row["categories_due_probability"])[::-1] for row in rows)


def test_the_same_tables_without_later_snapshots_give_the_same_model(
    made: tuple[Inputs, Path, Verdict], tmp_path: Path
) -> None:
    inputs, model, verdict = made
    for file in inputs.features.glob("*.parquet"):
        table = pq.read_table(file)
        kept = table.filter(pc.less_equal(table["event_timestamp"], pa.scalar(inputs.now, pa.timestamp("us"))))
        assert len(kept) < len(table)
        pq.write_table(kept, tmp_path / file.name)
    again = Predictions().fit(replace(inputs, features=tmp_path), tmp_path)

    assert (tmp_path / "predictions.json").read_bytes() == (model / "predictions.json").read_bytes()
    assert again == verdict


def test_a_shop_of_thirty_customers_is_not_evaluated(tmp_path: Path) -> None:
    with pytest.raises(NotEnoughDataError, match=r"30 customers .* Bring more customers"):
        Predictions().fit(inputs_of(tmp_path, 30), tmp_path)


def test_without_categories_nothing_is_due_and_the_rest_is_predicted(tmp_path: Path) -> None:
    inputs = inputs_of(tmp_path, 200)
    (inputs.features / "feat_customer_categories.parquet").unlink()
    verdict = Predictions().fit(inputs, tmp_path)
    Predictions().score(inputs, tmp_path, tmp_path)
    rows = pq.read_table(tmp_path / "predictions.parquet").to_pylist()

    assert any("feat_customer_categories is not published" in reason for reason in verdict.reasons)
    assert len(rows) == 200
    assert all(row["categories_due"] == [] for row in rows)
