"""Check the result of a build for a shop with every quirk and for one with only the two required tables."""

import hashlib
import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from tests.dbt_project.conftest import Built
from tests.support.dbt_project.runs import FEATURES, PROJECT, dbt, messages, rows, staged, statuses
from tests.support.dbt_project.shop import SNAPSHOTS

NUMBER_LISTS = [
    *("baskets", "days_since_last", "days_since_first", "gap_mean_days", "gap_std_days"),
    *(
        "decayed_20d",
        "decayed_60d",
        "decayed_120d",
        "decayed_240d",
        "baskets_2w",
        "baskets_4w",
        "baskets_8w",
        "baskets_13w",
    ),
    *("last_20_baskets", "periods_4w", "quantity", "spend"),
]


def fingerprints(data: Path) -> dict[str, str]:
    """Hashes of the files without their footers, which name the dbt run."""
    hashes = {}
    for feature in FEATURES:
        content = staged(data, feature).read_bytes()
        footer = int.from_bytes(content[-8:-4], "little") + 8
        hashes[feature] = hashlib.sha256(content[:-footer]).hexdigest()
    return hashes


def test_every_model_and_every_test_of_the_project_passes(built: Built):
    assert len(built.statuses) > 100
    assert {name: status for name, status in built.statuses.items() if status not in ("success", "pass", "no-op")} == {}


def test_nothing_is_written_beside_the_code(built: Built):
    assert built.code_after == built.code_before
    assert (built.data / "dbt" / "manifest.json").exists()


def test_the_warehouse_can_be_opened_as_soon_as_the_build_is_done(built: Built):
    with duckdb.connect(str(built.data / "warehouse" / "reach.duckdb")) as warehouse:
        assert warehouse.execute("SELECT count(*) FROM feat_customer_profile").fetchall() > [(0,)]


def test_lists_and_times_arrive_in_parquet_as_feast_reads_them(built: Built):
    schema = pq.read_schema(staged(built.data, "customer_history"))
    assert schema.field("customer_id").type == pa.string()
    assert schema.field("event_timestamp").type == pa.timestamp("us")
    assert schema.field("product_ids").type.value_type == pa.string()
    for name in NUMBER_LISTS:
        assert schema.field(name).type.value_type == pa.float32(), name
    assert set(schema.names) == {"customer_id", "event_timestamp", "created_timestamp", "product_ids", *NUMBER_LISTS}
    for feature in ("customer_profile", "product_activity", "product_content"):
        types = {field.type for field in pq.read_schema(staged(built.data, feature))}
        assert types <= {pa.string(), pa.float64(), pa.timestamp("us")}, feature


def test_a_product_sold_without_a_catalogue_entry_can_still_be_recommended(built: Built):
    (content,) = rows(built.data, "product_content", "product_id = 'p99'")
    assert content["product_name"] == content["department"] == content["brand"] == ""
    assert rows(built.data, "product_activity", "product_id = 'p99'")


def test_every_row_that_does_not_count_is_counted_with_an_example(built: Built):
    with duckdb.connect(str(built.data / "warehouse" / "reach.duckdb"), read_only=True) as warehouse:
        found = warehouse.execute(
            "SELECT table_name, left_out, example FROM audit_rows WHERE left_out > 0 ORDER BY ALL"
        ).fetchall()
        cancelled = warehouse.execute("SELECT product_id FROM fct_purchases WHERE cancelled_at IS NOT NULL").fetchall()
    assert found == [
        ("events", 1, "product p1"),
        ("transactions", 2, "product guests only"),
        ("transactions", 4, "product p1"),
        ("transactions", 5, "product p1"),
    ]
    assert sorted(cancelled) == [("p1",), ("p5",), ("p6",), ("p8",)]


def test_words_for_missing_never_reach_a_feature(built: Built):
    (profile, *_) = rows(built.data, "customer_profile", "customer_id = 'c0'")
    assert (profile["age_band"], profile["income_band"], profile["home_ownership"]) == ("45-54", "", "")
    assert {row["product_type"] for row in rows(built.data, "product_content")} == {"MILK", "BREAD", ""}


def test_the_same_rows_give_the_same_bytes_before_the_footer(built: Built, tmp_path: Path):
    built.shop.write(tmp_path)
    # The rows lie in another order, as after another admission.
    lines = tmp_path / "admitted" / "transactions.parquet"
    duckdb.execute(
        f"COPY (SELECT * FROM '{lines}' ORDER BY md5(basket_id || product_id)) TO '{tmp_path / 'shuffled'}'"
        " (FORMAT parquet)"
    )
    (tmp_path / "shuffled").rename(lines)
    assert dbt(tmp_path, "run").success
    assert fingerprints(tmp_path) == fingerprints(built.data)


def test_a_shop_with_only_transactions_and_products_builds(built: Built, tmp_path: Path):
    built.shop.only("transactions", "products").write(tmp_path)
    result = dbt(tmp_path, "build", "--exclude", "test_type:unit")
    assert result.success, messages(result)
    assert len(rows(tmp_path, "customer_profile")) == len(rows(built.data, "customer_profile"))
    activity = rows(tmp_path, "product_activity")
    assert activity
    assert {row["mailer_stores_next"] for row in activity} == {0.0}


def test_a_column_of_another_type_than_promised_fails_and_leaves_the_staged_file(built: Built, tmp_path: Path):
    before = fingerprints(built.data)
    project = tmp_path / "dbt"
    shutil.copytree(PROJECT, project)
    contract = project / "models" / "marts" / "features" / "_features__models.yml"
    promised = contract.read_text()
    changed = promised.replace(
        "- name: package_size\n        data_type: varchar", "- name: package_size\n        data_type: double"
    )
    assert changed != promised
    contract.write_text(changed)

    result = dbt(built.data, "run", "--select", "feat_product_content", project=project)

    assert statuses(result) == {"feat_product_content": "error"}
    assert "data type mismatch" in messages(result)
    assert fingerprints(built.data) == before


def test_freshness_is_measured_against_the_day_of_the_run(built: Built):
    assert statuses(dbt(built.data, "source", "freshness"))["transactions"] == "pass"
    late = [SNAPSHOTS[0] + timedelta(days=30)]
    # A warning: the day of a run is somebody's choice.
    assert statuses(dbt(built.data, "source", "freshness", snapshots=late))["transactions"] == "warn"
