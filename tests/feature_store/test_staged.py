"""Defective tables are refused by name, and the published tables are not changed."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from feature_store.publish import publish
from features.errors import StagedFeaturesError
from settings import Settings
from tests.support.feature_store.installation import AS_OF, stage

Spoil = Callable[[Path, datetime], object]


def _rewrite(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    pq.write_table(change(pq.read_table(path)), path)


def _shift(column: str) -> Callable[[Path, datetime], None]:
    def spoil(folder: Path, as_of: datetime) -> None:
        def late(table: pa.Table) -> pa.Table:
            times = [as_of + timedelta(microseconds=1), *table[column].to_pylist()[1:]]
            return table.set_column(table.schema.get_field_index(column), column, pa.array(times, pa.timestamp("us")))

        _rewrite(folder / "feat_customer_profile.parquet", late)

    return spoil


def _without(table: str, column: str) -> Spoil:
    return lambda folder, _: _rewrite(folder / f"{table}.parquet", lambda rows: rows.drop_columns([column]))


def _retyped(table: str, column: str, values: Callable[[int], pa.Array]) -> Spoil:
    return lambda folder, _: _rewrite(
        folder / f"{table}.parquet",
        lambda rows: rows.set_column(rows.schema.get_field_index(column), column, values(len(rows))),
    )


SPOILT: dict[str, tuple[Spoil, str]] = {
    "a table is missing": (
        lambda folder, _: (folder / "feat_product_activity.parquet").unlink(),
        r"feat_product_activity\.parquet is missing: the view 'product_activity'",
    ),
    "a table is empty": (
        lambda folder, _: _rewrite(folder / "feat_product_content.parquet", lambda rows: rows.slice(0, 0)),
        r"feat_product_content\.parquet has no rows",
    ),
    "a file is torn": (
        lambda folder, _: (folder / "feat_product_content.parquet").write_bytes(b"PAR1 and then the disk was full"),
        r"feat_product_content\.parquet is not a readable Parquet file",
    ),
    "a column is missing": (
        _without("feat_customer_history", "decayed_60d"),
        r"feat_customer_history\.parquet has no column 'decayed_60d'",
    ),
    "the known-since time is missing": (
        _without("feat_product_activity", "created_timestamp"),
        r"feat_product_activity\.parquet has no column 'created_timestamp'",
    ),
    "a number became a text": (
        _retyped("feat_customer_profile", "spend_4w", lambda n: pa.array(["1.0"] * n)),
        r"column 'spend_4w' is string, but the view 'customer_profile' promises double",
    ),
    "an array became doubles": (
        _retyped("feat_customer_history", "spend", lambda n: pa.array([np.ones(2)] * n)),
        r"column 'spend' is list<.*double>, but the view 'customer_history' promises list<.*float>",
    ),
    "a row lies in the future": (_shift("event_timestamp"), r"event_timestamp reaches .* must not use its future"),
    "a row was known later": (_shift("created_timestamp"), r"created_timestamp reaches .* must not use its future"),
}


@pytest.mark.parametrize("defect", SPOILT)
def test_a_defect_is_refused_by_name_and_the_published_tables_stay(settings: Settings, defect: str) -> None:
    stage(settings, AS_OF - timedelta(days=14))
    before = publish(settings, AS_OF - timedelta(days=14)).publication.name
    stage(settings, AS_OF)
    spoil, message = SPOILT[defect]
    spoil(settings.paths.staged_features, settings.start_of_day(AS_OF))

    with pytest.raises(StagedFeaturesError, match=message):
        publish(settings, AS_OF)

    assert settings.paths.features.readlink().name == before


def test_tables_built_for_another_day_are_refused(settings: Settings) -> None:
    stage(settings, AS_OF - timedelta(days=14))
    with pytest.raises(StagedFeaturesError, match="they were built for another day"):
        publish(settings, AS_OF)


def test_rows_without_a_time_are_refused(staged: Settings) -> None:
    path = staged.paths.staged_features / "feat_customer_profile.parquet"
    frame = pq.read_table(path).to_pandas()
    frame.loc[0, "event_timestamp"] = pd.NaT
    frame.to_parquet(path, coerce_timestamps="us", index=False)
    with pytest.raises(StagedFeaturesError, match="1 rows have no event_timestamp"):
        publish(staged, AS_OF)
