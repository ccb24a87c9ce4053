"""Each defect planted in a training set is caught by the expectation that is named for it."""

import shutil
from pathlib import Path

import pytest

from quality.errors import NothingToCheckError
from tests.support.quality.feature_tables import write_training_set
from tests.support.quality.judging import admit_landing, broken, copy_landing, plant


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory, small_landing: Path) -> Path:
    """A data directory with admitted tables and a training set without a defect. Read only."""
    data = tmp_path_factory.mktemp("clean") / "data"
    admit_landing(data, copy_landing(small_landing, data.with_name("in")))
    write_training_set(data, "r1")
    return data


@pytest.fixture
def data(tmp_path: Path, clean: Path) -> Path:
    """The same, to plant defects in."""
    return shutil.copytree(clean, tmp_path / "data", symlinks=True)


def test_a_sound_training_set_breaks_nothing(clean: Path) -> None:
    assert broken("training", clean) == {}


@pytest.mark.parametrize(
    ("table", "query", "expected", "severity", "who"),
    [
        pytest.param(
            "customers",
            "SELECT * REPLACE ('nan'::DOUBLE AS customer_profile__spend_4w) FROM {t}",
            "features_are_finite",
            "critical",
            "customers.customer_profile__spend_4w",
            id="a NaN feature",
        ),
        pytest.param(
            "products",
            "SELECT * REPLACE (0.0::DOUBLE AS product_activity__price) FROM {t}",
            "features_say_something",
            "critical",
            "products.product_activity__price",
            id="an all-zero feature",
        ),
        pytest.param(
            "products",
            "SELECT * REPLACE (CASE WHEN product_id <> 'p1' THEN product_content__category END"
            " AS product_content__category) FROM {t}",
            "features_have_no_missing_values",
            "critical",
            "products.product_content__category (missing 5)",
            id="a product the join found nothing for",
        ),
        pytest.param(
            "customers",
            "FROM {t} UNION ALL (FROM {t} LIMIT 1)",
            "feature_keys_are_unique",
            "critical",
            "customers (repeated 1)",
            id="a customer twice",
        ),
        pytest.param(
            "labels",
            "SELECT * REPLACE (snapshot + INTERVAL 14 DAYS AS snapshot) FROM {t}",
            "label_windows_ended_before_as_of",
            "critical",
            "2017-12-18",
            id="a label that reaches beyond as_of",
        ),
        pytest.param(
            "labels",
            "SELECT * REPLACE (CASE WHEN customer_id <> 'c7' THEN product_ids ELSE [] END AS product_ids) FROM {t}",
            "labels_name_products",
            "critical",
            "2017-12-04",
            id="an empty label",
        ),
        pytest.param(
            "labels",
            "SELECT * REPLACE (['p1', 'p1'] AS product_ids) FROM {t}",
            "labels_name_a_product_once",
            "critical",
            "2017-12-04",
            id="a product twice in a label",
        ),
        pytest.param(
            "labels",
            "SELECT * REPLACE ('0' || customer_id AS customer_id) FROM {t}",
            "some_labelled_customers_have_features",
            "critical",
            "without_features 1",
            id="labels of unknown customers",
        ),
        pytest.param(
            "customers",
            "FROM {t} WHERE customer_id > 'c2'",
            "labelled_customers_have_features",
            "warning",
            "without_features 0.217",
            id="some customers without features",
        ),
        pytest.param(
            "products",
            "FROM {t} WHERE snapshot < '2018-01-01'",
            "every_snapshot_has_products",
            "critical",
            "2018-01-01",
            id="a snapshot without products",
        ),
        pytest.param(
            "customers",
            "FROM {t} WHERE snapshot < '2018-01-01'",
            "every_snapshot_has_customers",
            "critical",
            "2018-01-01",
            id="a snapshot without customers",
        ),
        pytest.param(
            "customers",
            "SELECT * REPLACE (['p' || x FOR x IN range(9)] AS customer_history__product_ids) FROM {t}",
            "labels_mix_repeats_and_discoveries",
            "warning",
            "repeat_share 1",
            id="labels that leaked into the histories",
        ),
        pytest.param(
            "labels",
            "SELECT * REPLACE (CASE WHEN snapshot < '2017-11-07' THEN ['p' || x FOR x IN range(6)] ELSE product_ids END"
            " AS product_ids) FROM {t}",
            "labels_are_of_one_size",
            "warning",
            "2017-11-06",
            id="a label window of another length",
        ),
        pytest.param(
            "labels",
            "FROM {t} WHERE customer_id LIKE '%1'",
            "snapshots_have_enough_labels",
            "warning",
            "customers 6",
            id="few labels",
        ),
    ],
)
def test_defect_is_caught_by_name(data: Path, table: str, query: str, expected: str, severity: str, who: str) -> None:
    plant(data / "runs" / "r1" / "dataset", table, query)
    caught = broken("training", data)[expected]
    assert caught.severity == severity
    assert who in caught.details


def test_a_truncated_table_is_caught(data: Path) -> None:
    path = data / "runs" / "r1" / "dataset" / "labels.parquet"
    path.write_bytes(path.read_bytes()[:-500])
    assert broken("training", data)["training_files_can_be_read"].severity == "critical"


def test_an_empty_table_is_caught(data: Path) -> None:
    plant(data / "runs" / "r1" / "dataset", "labels", "FROM {t} LIMIT 0")
    assert broken("training", data)["training_files_have_rows"].details.startswith("labels.parquet")


def test_a_run_without_a_specification_names_the_step(clean: Path) -> None:
    with pytest.raises(NothingToCheckError, match="ml build-dataset --run-id r2"):
        broken("training", clean, run_id="r2")
