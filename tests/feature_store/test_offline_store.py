"""Reading features as of any instant: rows in order, arrays whole, errors that help."""

from datetime import timedelta
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from feature_store.offline_store import entity_rows, historical_table, open_store
from features.errors import FeatureStoreError, UnknownFeatureServiceError
from settings import Settings
from tests.support.feature_store.installation import AS_OF
from tests.support.feature_store.synthetic_features import HISTORY


def test_an_unknown_service_is_named_with_those_that_exist(built: Settings) -> None:
    with pytest.raises(
        UnknownFeatureServiceError, match=r"'ranking_v9' is not in .*registry\.db \(it holds: labels_v1"
    ):
        historical_table(open_store(built), "ranking_v9", pd.DataFrame({"customer_id": ["c1"]}))


def test_a_missing_key_of_the_entity_frame_is_named(built: Settings) -> None:
    frame = pd.DataFrame({"customer_id": ["c3"], "event_timestamp": [built.start_of_day(AS_OF)]})
    with pytest.raises(FeatureStoreError, match="entity frame for 'retrieval_candidate_v1' lacks product_id; it has"):
        historical_table(open_store(built), "retrieval_candidate_v1", frame)
    with pytest.raises(FeatureStoreError, match="entity frame for 'labels_v1' is empty"):
        historical_table(open_store(built), "labels_v1", frame.head(0))


def test_rows_come_back_in_order_with_their_own_columns_even_twice(built: Settings) -> None:
    at = built.start_of_day(AS_OF)
    asked = pd.DataFrame(
        {
            "customer_id": ["c9", "nobody", "c3", "c9", "c3"],
            "event_timestamp": [at, at, at - timedelta(weeks=2), at, at],
            "weight": [1.0, 2.0, 3.0, 4.0, 5.0],
        }
    )
    answer = historical_table(open_store(built), "retrieval_query_v1", asked).to_pandas()

    pd.testing.assert_frame_equal(answer[asked.columns], asked, check_dtype=False)
    assert answer["event_timestamp"].dt.tz is None
    assert pd.isna(answer.loc[1, "customer_profile__baskets"])
    assert answer.loc[1, "customer_history__product_ids"] is None
    assert answer.loc[0, "customer_profile__baskets"] == answer.loc[3, "customer_profile__baskets"]
    assert answer.loc[2, "customer_profile__baskets"] != answer.loc[4, "customer_profile__baskets"]


def test_arrays_are_whole_float32_and_aligned_empty_or_long(built: Settings) -> None:
    at = built.start_of_day(AS_OF)
    customers = ["c2", "c5", "c12"]
    table = historical_table(
        open_store(built), "retrieval_query_v1", pd.DataFrame({"customer_id": customers, "event_timestamp": [at] * 3})
    )
    assert table.schema.field("customer_history__spend").type == pa.list_(pa.float32())
    assert table.schema.field("customer_history__product_ids").type == pa.list_(pa.string())

    source = pq.read_table(built.paths.features / "feat_customer_history.parquet").to_pandas()
    source = source[source["event_timestamp"] == at].set_index("customer_id")
    answer = table.to_pandas().set_index("customer_id")
    assert [len(answer.loc[customer, "customer_history__spend"]) for customer in customers][::2] == [0, 1500]
    for customer in customers:
        for name in ["product_ids", *HISTORY]:
            np.testing.assert_array_equal(answer.loc[customer, f"customer_history__{name}"], source.loc[customer, name])


def test_what_does_not_fit_into_memory_spills_into_the_data_directory(built: Settings, tmp_path: Path) -> None:
    ibis.get_backend().raw_sql(f"SET temp_directory = '{tmp_path}'")
    asked = pd.DataFrame({"customer_id": ["c3"], "event_timestamp": [built.start_of_day(AS_OF)]})
    historical_table(open_store(built), "labels_v1", asked)
    [folder] = ibis.get_backend().raw_sql("SELECT current_setting('temp_directory')").fetchone()
    assert Path(folder) == built.paths.feast / "tmp"


def test_entity_rows_lists_the_keys_of_exactly_these_instants(built: Settings) -> None:
    at = built.start_of_day(AS_OF)
    before = at - timedelta(weeks=2)
    rows = entity_rows(open_store(built), "customer_history", [at, before])
    assert list(rows.columns) == ["customer_id", "event_timestamp"]
    assert set(rows.loc[rows["event_timestamp"] == at, "customer_id"]) == {f"c{n}" for n in range(1, 13)}
    assert set(rows.loc[rows["event_timestamp"] == before, "customer_id"]) == {f"c{n}" for n in range(2, 13)}
    assert len(rows) == 23
