"""The training set without plans has no features of future promotions, and is read by snapshot."""

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ml.steps.build_dataset import drop_promotion_plans, write_by_snapshot
from scoring.schema import ACTIVITY, PROMOTION_PLAN_FEATURES


def test_a_shop_that_does_not_plan_its_promotions_learns_from_none_to_come_and_from_all_that_were():
    table = pa.table({"product_id": ["1", "2"]} | {f"product_activity__{name}": [3.0, None] for name in ACTIVITY})
    told = drop_promotion_plans(table)
    assert set(PROMOTION_PLAN_FEATURES) == {n for n in ACTIVITY if told[f"product_activity__{n}"][0].as_py() == 0}
    assert told["product_activity__mailer_stores"].to_pylist() == [3.0, None]
    assert told.schema == table.schema


def test_no_row_group_of_a_training_set_holds_rows_of_two_snapshots(tmp_path: Path):
    days = [datetime(2018, 1, day) for day in (15, 1, 15, 1, 1)]
    table = pa.table({"customer_id": ["b", "a", "a", "c", "b"], "snapshot": pa.array(days, pa.timestamp("us"))})
    write_by_snapshot(table, tmp_path / "customers.parquet")
    file = pq.ParquetFile(tmp_path / "customers.parquet")
    groups = [file.read_row_group(number).to_pydict() for number in range(file.num_row_groups)]
    assert [group["customer_id"] for group in groups] == [["a", "c", "b"], ["b", "a"]]
    assert [set(group["snapshot"]) for group in groups] == [{days[1]}, {days[0]}]
