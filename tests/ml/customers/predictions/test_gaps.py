"""Gaps between shopping days, read from the history of products."""

from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from ml.customers.predictions.columns import silences
from ml.customers.predictions.gaps import DAYS, Gaps, read_gaps
from ml.customers.predictions.history import Customers

NOW = datetime(2018, 1, 1, 5)


def gaps_of(last: list[list[float]], first: list[list[float]], ids: list[str]) -> Gaps:
    """Return the gaps of customers `a`, `b`, …, whose products have these days since the last and first purchase."""
    days = pa.list_(pa.float32())
    table = pa.table(
        {
            "customer_id": [chr(ord("a") + number) for number in range(len(last))],
            "event_timestamp": pa.array([NOW] * len(last), pa.timestamp("us")),
            "days_since_last": pa.array(last, days),
            "days_since_first": pa.array(first, days),
        }
    )
    with duckdb.connect() as connection:
        connection.register("feat_customer_history", table)
        return read_gaps(connection, pa.array(ids, pa.string()), NOW)


def test_days_of_all_products_make_the_gaps_and_each_day_counts_once() -> None:
    found = gaps_of([[10.5, 10.4, 24.2]], [[60.1, 24.9, 181.9]], ["a"])
    assert found.silence.tolist() == [10]
    assert (found.count.tolist(), found.total.tolist(), found.longest.tolist()) == ([3], [171], [121])
    assert found.longer.tolist() == [3]  # 14, 36 and 121 days are all longer than 10
    assert (found.ended[1].tolist(), found.ended[2].tolist()) == ([1], [1])


def test_days_before_the_half_year_do_not_count_and_a_customer_without_any_was_silent_for_all_of_it() -> None:
    found = gaps_of([[200.0], [3.0]], [[250.0], [190.0]], ["a", "b", "c"])
    assert found.silence.tolist() == [DAYS, 3, DAYS]
    assert found.count.tolist() == [0, 0, 0]
    assert found.silence_over_longest.tolist() == [0, 0, 0]


def test_a_silence_that_earlier_ones_outlasted_is_less_likely_to_end() -> None:
    ended, lasted = gaps_of([[10, 22, 34, 46, 58]], [[70]], ["a"]), gaps_of([[10, 60, 110, 160]], [[170]], ["a"])
    assert ended.order_log_odds(1)[0] > 1 > -1 > lasted.order_log_odds(1)[0]
    assert ended.order_log_odds(2)[0] > ended.order_log_odds(1)[0]


def test_a_customer_without_history_gets_what_the_prior_expects() -> None:
    found = gaps_of([[]], [[]], ["a"])
    assert found.order_log_odds(2)[0] == pytest.approx(np.log((1 - np.exp(-1)) / np.exp(-1)))


def test_the_silence_until_now_is_not_one_of_the_earlier_ones() -> None:
    baskets = np.array([[0, 0, 1, 0, 0, 0, 1, 0], [0.0] * 8, [2, 1, 1, 1, 1, 1, 1, 1]])
    nothing = gaps_of([[]], [[]], ["a"])
    found = silences(Customers(["a", "b", "c"], {}, baskets, baskets, nothing))
    assert np.expm1(found["silent_weeks"]).round(9).tolist() == [2, 8, 0]
    assert np.expm1(found["longest_silent_weeks"]).round(9).tolist() == [3, 0, 0]
    assert found["silent_over_longest"].tolist() == pytest.approx(np.log([3 / 4, 9, 1]).tolist())
