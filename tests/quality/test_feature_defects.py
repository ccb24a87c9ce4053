"""Each defect planted in the feature tables is caught by the expectation that is named for it."""

import shutil
from pathlib import Path

import pytest

from quality.errors import NothingToCheckError, UnreadableError
from tests.support.quality.feature_tables import stage_features
from tests.support.quality.judging import admit_landing, broken, copy_landing, plant


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory, small_landing: Path) -> Path:
    """A data directory with admitted tables and feature tables without a defect. Read only."""
    data = tmp_path_factory.mktemp("clean") / "data"
    admit_landing(data, copy_landing(small_landing, data.with_name("in")))
    stage_features(data)
    return data


@pytest.fixture
def data(tmp_path: Path, clean: Path) -> Path:
    """The same, to plant defects in."""
    return shutil.copytree(clean, tmp_path / "data", symlinks=True)


def test_sound_features_break_nothing(clean: Path) -> None:
    assert broken("features", clean) == {}


@pytest.mark.parametrize(
    ("table", "query", "expected", "who"),
    [
        pytest.param(
            "feat_customer_profile",
            "SELECT * REPLACE (0.0::DOUBLE AS spend_4w) FROM {t}",
            "features_say_something",
            "feat_customer_profile.spend_4w",
            id="an all-zero feature",
        ),
        pytest.param(
            "feat_customer_profile",
            "SELECT * REPLACE (CASE WHEN customer_id = 'c7' THEN 'nan'::DOUBLE ELSE spend_4w END AS spend_4w) FROM {t}",
            "features_are_finite",
            "feat_customer_profile.spend_4w (not_finite 5)",
            id="a NaN feature",
        ),
        pytest.param(
            "feat_customer_history",
            "SELECT * REPLACE (['1', 'inf', '2']::FLOAT[] AS baskets) FROM {t}",
            "features_are_finite",
            "feat_customer_history.baskets",
            id="an infinite element of a list",
        ),
        pytest.param(
            "feat_customer_profile",
            "SELECT * REPLACE (CASE WHEN customer_id <> 'c7' THEN baskets END AS baskets) FROM {t}",
            "features_have_no_missing_values",
            "feat_customer_profile.baskets (missing 5)",
            id="a missing value",
        ),
        pytest.param(
            "feat_customer_history",
            "SELECT * REPLACE ([1, NULL, 2]::FLOAT[] AS baskets) FROM {t}",
            "features_have_no_missing_values",
            "feat_customer_history.baskets",
            id="a missing element of a list",
        ),
        pytest.param(
            "feat_customer_profile",
            "SELECT * REPLACE (spend_4w::VARCHAR AS spend_4w) FROM {t}",
            "features_have_their_type",
            "feat_customer_profile.spend_4w",
            id="a number as text",
        ),
        pytest.param(
            "feat_customer_profile",
            "SELECT * REPLACE (45 AS age_band) FROM {t}",
            "features_have_their_type",
            "feat_customer_profile.age_band",
            id="text as a number",
        ),
        pytest.param(
            "feat_customer_history",
            "SELECT * REPLACE ([-0.5, 7, 20]::FLOAT[] AS days_since_last) FROM {t}",
            "features_are_not_below_their_floor",
            "feat_customer_history.days_since_last (lowest -0.5",
            id="a purchase after its point in time",
        ),
        pytest.param(
            "feat_product_activity",
            "SELECT * REPLACE (1.5::DOUBLE AS share_in_type_8w) FROM {t}",
            "features_are_not_above_their_ceiling",
            "feat_product_activity.share_in_type_8w",
            id="a share above one",
        ),
        pytest.param(
            "feat_customer_profile",
            "FROM {t} UNION ALL (FROM {t} LIMIT 1)",
            "feature_keys_are_unique",
            "feat_customer_profile (repeated 1)",
            id="a key twice",
        ),
        pytest.param(
            "feat_product_activity",
            "SELECT * REPLACE (CASE WHEN product_id <> 'p1' THEN product_id END AS product_id) FROM {t}",
            "feature_keys_are_present",
            "feat_product_activity (missing 5)",
            id="a key missing",
        ),
        pytest.param(
            "feat_customer_profile",
            "SELECT * REPLACE (created_timestamp + INTERVAL 1 DAY AS created_timestamp) FROM {t}",
            "features_do_not_know_the_future",
            "feat_customer_profile (late 60)",
            id="known only after as_of",
        ),
        pytest.param(
            "feat_customer_profile",
            "SELECT * REPLACE (event_timestamp - INTERVAL 1 DAY AS created_timestamp) FROM {t}",
            "features_are_known_when_true",
            "feat_customer_profile (early 300)",
            id="known before it was true",
        ),
        pytest.param(
            "feat_product_activity",
            "SELECT * REPLACE (event_timestamp - INTERVAL 1 DAY AS event_timestamp) FROM {t}",
            "points_in_time_are_those_of_the_day",
            "feat_product_activity 2017-12-31 05:00",
            id="another day's points in time",
        ),
        pytest.param(
            "feat_customer_purchases",
            "FROM {t} WHERE event_timestamp < '2018-01-01'",
            "the_newest_point_in_time_has_rows",
            "feat_customer_purchases 2018-01-01 05:00",
            id="the newest point in time missing",
        ),
        pytest.param(
            "feat_customer_history",
            "FROM {t} WHERE event_timestamp < '2018-01-01' OR customer_id <> 'c7'",
            "no_customer_is_lost_over_time",
            "feat_customer_history 2018-01-01 05:00",
            id="a customer lost",
        ),
        pytest.param(
            "feat_product_content",
            "FROM {t} WHERE product_id <> 'p8'",
            "active_products_have_content",
            "active_without_content 5",
            id="an orphan product",
        ),
        pytest.param(
            "feat_customer_purchases",
            "SELECT * REPLACE (['p0', 'unheard-of'] AS product_ids) FROM {t}",
            "bought_products_have_content",
            "bought_without_content 1",
            id="an orphan product in the labels",
        ),
        pytest.param(
            "feat_customer_profile",
            "FROM {t} WHERE customer_id <> 'c7'",
            "customers_have_history_and_profile",
            "unpaired_customers 5",
            id="a customer without a profile",
        ),
        pytest.param(
            "feat_customer_purchases",
            "SELECT * REPLACE ('d' || customer_id AS customer_id) FROM {t}",
            "purchases_are_part_of_the_history",
            "purchases_without_history 300",
            id="purchases of unknown customers",
        ),
        pytest.param(
            "feat_customer_history",
            "SELECT * REPLACE (CASE WHEN customer_id = 'c7' THEN baskets[:2] ELSE baskets END AS baskets) FROM {t}",
            "histories_are_aligned",
            "feat_customer_history part 1",
            id="a list too short",
        ),
        pytest.param(
            "feat_customer_purchases",
            "FROM {t} LIMIT 0",
            "feature_files_have_rows",
            "feat_customer_purchases.parquet",
            id="an empty table",
        ),
    ],
)
def test_defect_is_caught_by_name(data: Path, table: str, query: str, expected: str, who: str) -> None:
    plant(data / "features" / "staged", table, query)
    caught = broken("features", data)[expected]
    assert caught.severity == "critical"
    assert who in caught.details


def test_a_truncated_table_is_caught(data: Path) -> None:
    path = data / "features" / "staged" / "feat_customer_profile.parquet"
    path.write_bytes(path.read_bytes()[:-500])
    assert broken("features", data)["feature_files_can_be_read"].details.startswith("feat_customer_profile.parquet")


def test_a_feature_without_a_source_may_be_zero_everywhere(data: Path) -> None:
    # promotions are absent from this landing, so there are no mailers; coupons are there
    plant(
        data / "features" / "staged",
        "feat_product_activity",
        "SELECT * REPLACE (0.0::DOUBLE AS mailer_stores) FROM {t}",
    )
    assert broken("features", data) == {}
    plant(
        data / "features" / "staged",
        "feat_customer_profile",
        "SELECT * REPLACE (0.0::DOUBLE AS coupon_redemptions) FROM {t}",
    )
    assert list(broken("features", data)) == ["features_say_something"]


@pytest.mark.parametrize(
    ("starts_on", "ends_on", "expected"),
    [
        ("2017-12-05", "2017-12-17", []),  # between the points in time of 4 and 18 December
        ("2017-12-05", "2017-12-18", ["features_say_something"]),
    ],
)
def test_no_coupon_is_active_if_the_only_campaign_lies_between_two_points_in_time(
    data: Path, starts_on: str, ends_on: str, expected: list[str]
) -> None:
    period = f"DATE '{starts_on}' AS starts_on, DATE '{ends_on}' AS ends_on"
    plant(data / "admitted", "campaigns", f"SELECT * REPLACE ({period}) FROM {{t}}")
    plant(
        data / "features" / "staged",
        "feat_product_activity",
        "SELECT *, 0.0::DOUBLE AS coupons_active FROM {t}",
    )
    assert list(broken("features", data)) == expected


def test_a_zero_that_no_rule_explains_is_a_warning(data: Path) -> None:
    plant(data / "features" / "staged", "feat_product_activity", "SELECT *, 0.0::DOUBLE AS my_own FROM {t}")
    found = broken("features", data)
    assert {name: item.severity for name, item in found.items()} == {
        "no_feature_is_zero_without_a_known_reason": "warning"
    }
    assert "feat_product_activity.my_own" in found["no_feature_is_zero_without_a_known_reason"].details


def test_a_month_without_a_purchase_leaves_the_newest_window_rightly_empty(data: Path) -> None:
    plant(data / "admitted", "transactions", "FROM {t} WHERE transaction_at < '2017-12-01'")
    plant(data / "features" / "staged", "feat_customer_purchases", "FROM {t} WHERE event_timestamp < '2018-01-01'")
    assert broken("features", data) == {}


def test_nothing_staged_is_said(data: Path) -> None:
    shutil.rmtree(data / "features" / "staged")
    with pytest.raises(NothingToCheckError, match="Run dbt build for 2018-01-01 first"):
        broken("features", data)


def test_a_table_without_its_key_is_named(data: Path) -> None:
    plant(data / "features" / "staged", "feat_customer_profile", "SELECT * EXCLUDE (customer_id) FROM {t}")
    with pytest.raises(UnreadableError, match="customer_id"):
        broken("features", data)
