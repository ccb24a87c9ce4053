"""A feature row and the purchases since, folded by the service, are the row that dbt makes later: on real customers.

Which features are compared, and how exactly, follows from their declaration.
"""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from features.declarations import CUSTOMER_PROFILE
from features.feature import Exactness, Updater
from landing.admission import accept, admit
from settings import Settings
from tests.support.dbt_project.live_comparison import compare, names_of
from tests.support.dbt_project.runs import dbt

EARLIER = datetime(2017, 8, 6, 4)
SAME_DAY, TWO_WEEKS = EARLIER + timedelta(hours=20), EARLIER + timedelta(days=14)


@pytest.fixture(scope="module")
def shop(small_landing: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("live")
    admit(Settings(data=data), small_landing, date(2017, 8, 20))
    accept(Settings(data=data), None)
    for folder in ("warehouse", "features/staged"):
        (data / folder).mkdir(parents=True)
    wanted = ["+feat_customer_history", "+feat_customer_profile"]
    result = dbt(data, "run", "--select", *wanted, snapshots=[TWO_WEEKS, SAME_DAY, EARLIER])
    assert result.success, result.result
    return data


def test_on_the_same_day_every_feature_with_an_updater_is_the_one_dbt_makes_later(shop: Path) -> None:
    found = compare(shop, EARLIER, SAME_DAY)
    assert (found.customers > 15, found.purchases > 100) == (True, True)
    exact, estimated = names_of(Exactness.ALWAYS, Exactness.SAME_DAY), names_of(Exactness.NEVER)
    assert exact | estimated == set(found.right)
    assert {name: found.right[name] for name in exact if found.right[name] < 1.0} == {}
    assert {name: found.right[name] for name in estimated if found.right[name] <= 0.96} == {}


def test_two_weeks_later_all_that_a_row_and_purchases_tell_is_right(shop: Path) -> None:
    found = compare(shop, EARLIER, TWO_WEEKS)
    assert found.customers > 80
    assert {name: found.right[name] for name in names_of(Exactness.ALWAYS) if found.right[name] < 1.0} == {}


def test_two_weeks_later_an_estimate_is_less_than_half_as_wrong_as_the_row_of_the_last_build(shop: Path) -> None:
    found = compare(shop, EARLIER, TWO_WEEKS)
    estimated = names_of(Exactness.SAME_DAY, Exactness.NEVER)
    assert {name: found.error[name] for name in estimated if found.error[name] >= 0.5} == {}
    of_products = {name for name in estimated if name.startswith("customer_history.")}
    assert {name: found.right[name] for name in of_products if found.right[name] <= 0.94} == {}


def test_what_is_batch_only_keeps_its_published_value(shop: Path) -> None:
    kept = compare(shop, EARLIER, TWO_WEEKS).kept
    assert kept == dict.fromkeys(kept, 1.0)
    updated = {feature.name for feature in CUSTOMER_PROFILE.features if isinstance(feature.on_purchase, Updater)}
    assert set(kept) == {feature.name for feature in CUSTOMER_PROFILE.features} - updated
