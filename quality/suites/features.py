"""List the expectations of the staged feature tables, which must hold before publication."""

from datetime import timedelta

from features import declarations as declared
from features.feature import Range, Type
from quality.check import AT_LEAST, BETWEEN, IN_SET, check
from quality.frames.profile import FeatureRules

TABLES = {f"feat_{table.name}": (f"{table.entity}_id",) for table in declared.TABLES}
"""The tables and their keys, without the time."""

CAMPAIGN_TABLES = tuple(f"feat_{table.name}" for table in declared.TABLES if table.of_campaigns)
"""Tables that campaigns date; empty for a shop without campaigns."""

SNAPSHOT_TABLES = tuple(table for table in TABLES if table not in ("feat_product_content", *CAMPAIGN_TABLES))
"""Tables with a row per point in time; a product's content is undated."""

GROWING_TABLES = (
    "feat_customer_history",
    "feat_customer_profile",
    "feat_customer_categories",
    "feat_customer_habits",
)
"""Tables whose set of customers can only grow from one point in time to the next."""

ALIGNED_TABLES = ("feat_customer_history", "feat_customer_categories")
"""Tables whose lists have one element per product or category of the row."""

WINDOW_TABLES = {"feat_customer_purchases": timedelta(weeks=4), "feat_customer_outcomes": timedelta(weeks=8)}
"""Tables of purchases in a window before a point in time; without a purchase in it they have no row."""

_FEATURES = [feature for table in declared.TABLES for feature in table.features]
RULES = FeatureRules(
    texts=frozenset(each.name for each in _FEATURES if each.type in (Type.TEXT, Type.TEXTS)),
    signed=frozenset(each.name for each in _FEATURES if each.range is Range.ANY),
    shares=frozenset(each.name for each in _FEATURES if each.range is Range.SHARE),
)
"""The allowed values of the declared features."""


_LOOK_AT_DBT = "Look at the feature's dbt model, then build again."

FILES = [
    check(
        "feature_files_can_be_read",
        "files",
        IN_SET,
        "A table is truncated or missing. Run dbt build again.",
        column="readable",
        value_set=[True],
    ),
    check(
        "feature_files_have_rows",
        "files",
        AT_LEAST,
        "A table is empty. Are there purchases before this day? " + _LOOK_AT_DBT,
        column_A="rows",
        column_B="least_rows",
        or_equal=True,
    ),
]

VALUES = [
    check(
        "features_have_their_type",
        "profile",
        IN_SET,
        "A number is text or text a number. " + _LOOK_AT_DBT + " Its type is declared in features/declarations.py.",
        column="type_fits",
        value_set=[True],
    ),
    check(
        "features_have_no_missing_values",
        "profile",
        BETWEEN,
        "Unknown is '' for words and a number for numbers. " + _LOOK_AT_DBT,
        column="missing",
        max_value=0,
    ),
    check(
        "features_are_finite",
        "profile",
        BETWEEN,
        "A number is NaN or infinite: a division by zero? " + _LOOK_AT_DBT,
        column="not_finite",
        max_value=0,
    ),
    check(
        "features_say_something",
        "profile",
        IN_SET,
        "A feature is zero everywhere although its source has values for these points in time. " + _LOOK_AT_DBT,
        column="all_zero",
        value_set=[False],
        example="why",
    ),
    check(
        "no_feature_is_zero_without_a_known_reason",
        "profile",
        IN_SET,
        "A feature is zero everywhere, and quality/frames/sources.py has no rule for it. Is it right?",
        column="is_unexplained",
        value_set=[False],
    ),
    check(
        "features_are_not_below_their_floor",
        "profile",
        AT_LEAST,
        "A count, sum, share or age is negative; an age below zero means that the future leaked in. " + _LOOK_AT_DBT,
        column_A="lowest",
        column_B="floor",
        or_equal=True,
        ignore_row_if="either_value_is_missing",
    ),
    check(
        "features_are_not_above_their_ceiling",
        "profile",
        AT_LEAST,
        "A share is above one. " + _LOOK_AT_DBT,
        column_A="ceiling",
        column_B="highest",
        or_equal=True,
        ignore_row_if="either_value_is_missing",
    ),
]

KEYS = [
    check(
        "feature_keys_are_present",
        "keys",
        BETWEEN,
        "A key or its time is missing. " + _LOOK_AT_DBT,
        column="missing",
        max_value=0,
    ),
    check(
        "feature_keys_are_unique",
        "keys",
        BETWEEN,
        "Feast would serve one of several rows of the same key and time. " + _LOOK_AT_DBT,
        column="repeated",
        max_value=0,
    ),
]

TIMES = [
    check(
        "features_do_not_know_the_future",
        "times",
        BETWEEN,
        "A row is true or known only after as_of. Was it built for another day? " + _LOOK_AT_DBT,
        column="late",
        max_value=0,
    ),
    check(
        "features_are_known_when_true",
        "times",
        BETWEEN,
        "A row was known before it became true. " + _LOOK_AT_DBT,
        column="early",
        max_value=0,
    ),
    check(
        "points_in_time_are_those_of_the_day",
        "snapshots",
        IN_SET,
        "A table holds a point in time that as_of does not ask for. Build again with `landing dbt-vars`.",
        column="expected",
        value_set=[True],
    ),
    check(
        "no_customer_is_lost_over_time",
        "growth",
        AT_LEAST,
        "A later point in time has fewer customers than an earlier one. " + _LOOK_AT_DBT,
        column_A="rows",
        column_B="rows_before",
        or_equal=True,
    ),
    check(
        "the_newest_point_in_time_has_rows",
        "newest",
        BETWEEN,
        "A table has no row for the day itself. Build again with `landing dbt-vars`.",
        column="rows",
        min_value=1,
    ),
]

FIT = [
    check(
        "active_products_have_content",
        "facts",
        BETWEEN,
        "A product that sells or is promoted is not in feat_product_content. " + _LOOK_AT_DBT,
        column="active_without_content",
        max_value=0,
    ),
    check(
        "bought_products_have_content",
        "facts",
        BETWEEN,
        "A product that was bought is not in feat_product_content. " + _LOOK_AT_DBT,
        column="bought_without_content",
        max_value=0,
    ),
    check(
        "customers_have_history_and_profile",
        "facts",
        BETWEEN,
        "feat_customer_history and feat_customer_profile must have the same customers. " + _LOOK_AT_DBT,
        column="unpaired_customers",
        max_value=0,
    ),
    check(
        "purchases_are_part_of_the_history",
        "facts",
        BETWEEN,
        "A customer bought within the window but has no history at its end. " + _LOOK_AT_DBT,
        column="purchases_without_history",
        max_value=0,
    ),
    check(
        "histories_are_aligned",
        "lists",
        AT_LEAST,
        "All lists of a row must have one element for each of its products or categories. " + _LOOK_AT_DBT,
        column_A="shortest",
        column_B="longest",
        or_equal=True,
    ),
]

REST = [*VALUES, *KEYS, *TIMES, *FIT]
