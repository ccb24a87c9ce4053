"""The training set without plans has no features of future promotions."""

import pyarrow as pa

from ml.steps.build_dataset import drop_promotion_plans
from scoring.schema import ACTIVITY, PROMOTION_PLAN_FEATURES


def test_a_shop_that_does_not_plan_its_promotions_learns_from_none_to_come_and_from_all_that_were():
    table = pa.table({"product_id": ["1", "2"]} | {f"product_activity__{name}": [3.0, None] for name in ACTIVITY})
    told = drop_promotion_plans(table)
    assert set(PROMOTION_PLAN_FEATURES) == {n for n in ACTIVITY if told[f"product_activity__{n}"][0].as_py() == 0}
    assert told["product_activity__mailer_stores"].to_pylist() == [3.0, None]
    assert told.schema == table.schema
