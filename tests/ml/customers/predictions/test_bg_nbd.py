"""BG/NBD against the published parameters of its paper, and against formulas worked out by hand."""

import csv
from pathlib import Path

import numpy as np
import pytest

from ml.customers.predictions.bg_nbd import BgNbd, Repeats

CDNOW = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
"""Fader, Hardie & Lee 2005, table 2: the CDNOW data, time in weeks."""


def one(count: float, last: float, age: float) -> Repeats:
    return Repeats(np.array([count]), np.array([last]), np.array([age]))


def test_fitting_the_cdnow_data_gives_the_published_parameters() -> None:
    # The summary of 2,357 customers that the paper's authors published: repeat purchases, weeks to the last one, weeks.
    with Path(__file__).with_name("cdnow.csv").open() as file:
        rows = [[float(row[name]) for name in ("x", "t_x", "T")] for row in csv.DictReader(file)]
    found = BgNbd.fit(Repeats(*np.array(rows).T))

    assert (found.r, found.alpha) == (pytest.approx(CDNOW.r, abs=1e-3), pytest.approx(CDNOW.alpha, abs=5e-3))
    assert (found.a, found.b) == (pytest.approx(CDNOW.a, abs=5e-3), pytest.approx(CDNOW.b, abs=2e-2))


def test_a_customer_without_a_repeat_purchase_cannot_have_left() -> None:
    # P = (alpha + T) / (alpha + T + t) to the power r: (14.414 / 22.414) ** 0.243
    assert CDNOW.no_purchase(one(0, 0, 10), 8.0)[0] == pytest.approx((14.414 / 22.414) ** 0.243)


def test_the_probability_of_being_active_is_that_of_the_paper() -> None:
    x, t_x, age = 2, 30.43, 38.86
    odds_gone = 0.793 / (2.426 + x - 1) * ((4.414 + age) / (4.414 + t_x)) ** (0.243 + x)
    silent = ((4.414 + age) / (4.414 + age + 39)) ** (0.243 + x)

    assert CDNOW.no_purchase(one(x, t_x, age), 39.0)[0] == pytest.approx(1 - (1 - silent) / (1 + odds_gone))
