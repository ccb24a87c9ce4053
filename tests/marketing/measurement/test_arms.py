import numpy as np
import pyarrow as pa
import pytest

from marketing.campaigns.plan.plan import GLOBAL_HOLDOUT, NEITHER
from marketing.measurement.arms import NO_ARM, arms_of
from marketing.measurement.errors import MeasurementError

SHARES = {"offer": 0.9, "holdout": 0.1}


def decisions(rows: list[tuple[str, str, float, int]]) -> pa.Table:
    """(customer, variant, propensity, day of the decision)"""
    ids, variants, propensities, days = zip(*rows, strict=True)
    return pa.table(
        {
            "customer_id": ids,
            "variant": variants,
            "propensity": propensities,
            "is_holdout": [name == "holdout" for name in variants],
            "decided_at": np.datetime64("2018-01-01", "us") + np.array(days) * np.timedelta64(1, "D"),
        }
    )


def failed(table: pa.Table) -> list[str]:
    return [check.sentence for check in arms_of(table).checks if not check.passed]


def test_a_customer_counts_once_from_the_first_occurrence() -> None:
    arms = arms_of(decisions([("b", "offer", 0.9, 9), ("a", "holdout", 0.1, 3), ("b", "offer", 0.9, 2)]))
    assert arms.customer_ids.tolist() == ["a", "b"]
    assert arms.variant.tolist() == ["holdout", "offer"]
    assert arms.decided_at.astype(str).tolist() == ["2018-01-04T00:00:00.000000", "2018-01-03T00:00:00.000000"]
    assert arms.holdout == "holdout"
    assert arms.shares == pytest.approx(SHARES)
    assert arms.is_treated.tolist() == [False, True]


def test_customers_left_out_before_the_draw_take_no_part() -> None:
    arms = arms_of(
        decisions(
            [
                ("a", "offer", 0.9, 1),
                ("b", "none", 1.0, 1),  # later assigned
                ("b", "holdout", 0.1, 2),
                ("c", "none", 1.0, 1),
                ("d", "global_holdout", 0.05, 1),
            ]
        )
    )
    assert arms.customer_ids.tolist() == ["a", "b"]
    assert arms.unassigned == 2


def test_a_customer_in_two_arms_is_counted_and_not_named() -> None:
    rows = [("a", "offer", 0.9, 1), ("a", "holdout", 0.1, 2), ("b", "holdout", 0.1, 1)]
    assert failed(decisions(rows)) == ["1 customers were in two arms"]
    assert arms_of(decisions(rows)).variant.tolist() == ["offer", "holdout"]


def test_shares_that_changed_are_a_reason() -> None:
    rows = [("a", "offer", 0.9, 1), ("b", "offer", 0.5, 2), ("c", "holdout", 0.1, 1)]
    assert failed(decisions(rows)) == ["the arms' shares changed during the campaign, or are not shares"]
    assert sum(arms_of(decisions(rows)).shares.values()) == pytest.approx(1)


def test_the_share_of_an_empty_arm_is_kept_for_the_test_of_the_sizes() -> None:
    arms = arms_of(decisions([("a", "offer", 0.9, 1), ("b", "offer", 0.9, 1)]))
    assert arms.holdout is None
    assert arms.shares == pytest.approx({"offer": 0.9, "(empty arm)": 0.1})


def test_two_holdouts_are_a_reason() -> None:
    table = decisions([("a", "offer", 0.8, 1), ("b", "first", 0.1, 1), ("c", "second", 0.1, 1)])
    table = table.set_column(3, "is_holdout", pa.array([False, True, True]))
    assert failed(table) == ["the variants first, second are all marked as hold-out"]


def test_decisions_that_cannot_be_used_are_named() -> None:
    with pytest.raises(MeasurementError, match="lack the columns decided_at, propensity"):
        arms_of(decisions([("a", "offer", 0.9, 1)]).drop_columns(["propensity", "decided_at"]))
    with pytest.raises(MeasurementError, match="No customer is in an arm of the campaign: 1 decisions"):
        arms_of(decisions([("a", "none", 1.0, 1)]))


def test_plans_and_measurements_agree_on_the_variant_of_customers_without_an_arm() -> None:
    assert NO_ARM == (NEITHER, GLOBAL_HOLDOUT)
