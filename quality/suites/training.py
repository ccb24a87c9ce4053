"""List the expectations of a run's training set, which must hold before a model learns from it."""

from quality.check import AT_LEAST, BETWEEN, IN_SET, check
from quality.suites.features import KEYS, VALUES

TABLES = {"customers": ("customer_id",), "products": ("product_id",), "labels": ("customer_id",)}
"""The tables and their keys, without the snapshot."""

_REBUILD = "Look at the published features, then run `.venv/bin/python -m ml build-dataset` again."

FILES = [
    check(
        "training_files_can_be_read",
        "files",
        IN_SET,
        "A table is truncated or missing. Run `.venv/bin/python -m ml build-dataset` again.",
        column="readable",
        value_set=[True],
    ),
    check(
        "training_files_have_rows",
        "files",
        AT_LEAST,
        "A table is empty. " + _REBUILD,
        column_A="rows",
        column_B="least_rows",
        or_equal=True,
    ),
]

POINTS_IN_TIME = [
    check(
        "every_snapshot_has_customers",
        "points_in_time",
        BETWEEN,
        "A snapshot has products but no customers. " + _REBUILD,
        column="customers",
        min_value=1,
    ),
    check(
        "every_snapshot_has_products",
        "points_in_time",
        BETWEEN,
        "A snapshot has customers but no products. " + _REBUILD,
        column="products",
        min_value=1,
    ),
]

LABELS = [
    check(
        "label_windows_ended_before_as_of",
        "labels",
        IN_SET,
        "A label's four weeks reach beyond as_of: it is cut short, or leaks the future. " + _REBUILD,
        column="closed",
        value_set=[True],
    ),
    check(
        "labels_name_products",
        "labels",
        BETWEEN,
        "A labelled customer bought nothing. " + _REBUILD,
        column="shortest",
        min_value=1,
    ),
    check(
        "labels_name_a_product_once",
        "labels",
        BETWEEN,
        "A label names a product twice. " + _REBUILD,
        column="repeated",
        max_value=0,
    ),
    check(
        "some_labelled_customers_have_features",
        "all_labels",
        BETWEEN,
        "Hardly any labelled customer has features: are labels and features of the same days and ids? " + _REBUILD,
        column="without_features",
    ),
    check(
        "labelled_customers_have_features",
        "labels",
        BETWEEN,
        "Many labelled customers have no features. Did the shop really gain that many new customers?",
        column="without_features",
    ),
    check(
        "labels_mix_repeats_and_discoveries",
        "labels",
        BETWEEN,
        "Nearly all or nearly none of the purchases are repeats. Do labels leak into the histories?",
        column="repeat_share",
    ),
    check(
        "labels_are_of_one_size",
        "labels",
        BETWEEN,
        "Customers of a snapshot bought half or twice as many products as usual. Is the window complete?",
        column="size_ratio",
    ),
    check(
        "snapshots_have_enough_labels",
        "labels",
        BETWEEN,
        "A snapshot has few labelled customers, so results on it are mostly chance.",
        column="customers",
    ),
]

REST = [*VALUES, *KEYS, *POINTS_IN_TIME, *LABELS]
