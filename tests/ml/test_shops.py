"""Shops of every size and age get a service: from landing tables through the real commands to answers.

`python -m tests.support.ml.shops --shops 50` tries many more.
"""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.command import ExitCode
from registry.champion_alias import Registry
from settings import Settings
from tests.support.ml.shops import END, Needs, Served, Shop, serve

LOYAL = Shop(
    seed=3,
    customers=60,
    products=12,
    days=150,
    growth=1.0,
    pace=1.0,
    loyalty=0.5,
    has_promotions=False,
    has_profiles=False,
)


def history(home: Path) -> list[str]:
    return [change.reason for change in Registry(Settings(data=home / "data").paths.release).history()]


def test_one_customer_one_product_one_day_get_a_service(tmp_path: Path):
    least = replace(LOYAL, customers=1, products=1, days=0.5, has_categories=False, has_names=False)
    served = serve(least, tmp_path, checks=False)
    assert served.bundle.manifest.baseline == served.not_enough_data
    assert served.not_enough_data is not None
    assert (
        "0 bought both before 2026-02-01 and in the 4 weeks after it. A decision needs 150, 150 more."
        in served.not_enough_data
    )
    assert "training needs 16 weeks of them before 2026-03-01. 16 more weeks are missing." in served.not_enough_data
    [reason] = history(tmp_path)
    assert reason == f"a test. A simple rule is released: {served.not_enough_data}"
    assert served.not_enough_data in served.run.path("report.html").read_text()
    assert served.codes["evaluate"] == ExitCode.NOTHING_TO_DO


def test_a_baseline_gives_way_to_a_trained_version_and_never_replaces_it(tmp_path: Path):
    young = serve(LOYAL, tmp_path, checks=False)
    assert young.bundle.manifest.baseline
    trained = serve(LOYAL, tmp_path, Needs(False, True), checks=False, run="second")
    assert trained.bundle.manifest.baseline == ""
    assert trained.bundle.manifest.gate["opponent"] == "decayed own frequency"
    later = serve(LOYAL, tmp_path, as_of=END.date() + timedelta(days=7), checks=False)
    assert later.not_enough_data
    assert later.bundle.version == f"{trained.bundle.version}_{END.date() + timedelta(days=7)}"
    assert later.bundle.manifest.baseline == ""


def test_one_product_and_loyal_customers_end_in_answers(tmp_path: Path):
    served = serve(replace(LOYAL, products=1, customers=20), tmp_path, Needs(is_real=False), checks=False)
    assert served.not_enough_data is not None
    assert "a customer buy one of the 1 products for the first time" in served.not_enough_data
    assert served.codes["train-retrieval"] == served.codes["generate-candidates"] == ExitCode.NOTHING_TO_DO


@settings(
    max_examples=2,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**16), is_real=st.booleans())
def test_every_random_shop_is_served(tmp_path_factory: pytest.TempPathFactory, seed: int, is_real: bool):
    served = serve(Shop.random(seed), tmp_path_factory.mktemp("shop"), Needs(is_real, not is_real), checks=False)
    assert isinstance(served, Served)
    assert json.loads(served.run.path("gate.json").read_text())["reasons"]
