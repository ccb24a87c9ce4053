"""No feature leaks its future: checked against an independent join, and with rows planted to surface."""

from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from feature_store.apply import apply
from feature_store.offline_store import historical_table, open_store
from feature_store.publish import publish
from settings import Settings
from tests.support.feature_store.installation import AS_OF, stage
from tests.support.feature_store.synthetic_features import ACTIVITY, CONTENT, HISTORY, PROFILE, TRAITS, write_table

PLANTED = 987654.0


def test_values_equal_an_independent_asof_join(settings: Settings) -> None:
    """Rows at irregular instants, questions at irregular instants, some of them exactly on a row."""
    stage(settings, AS_OF)
    end = settings.start_of_day(AS_OF)
    random = np.random.default_rng(5)
    folder = settings.paths.staged_features
    _scatter(folder / "feat_customer_history.parquet", end, random)
    _scatter(folder / "feat_customer_profile.parquet", end, random)
    _scatter(folder / "feat_product_activity.parquet", end, random)
    publish(settings, AS_OF)
    apply(settings)
    exact = pq.read_table(settings.paths.features / "feat_customer_profile.parquet").to_pandas()["event_timestamp"]
    asked = pd.DataFrame(
        {
            "customer_id": random.choice([f"c{n}" for n in range(1, 14)], 300),
            "product_id": random.choice([f"p{n}" for n in range(1, 42)], 300),
            "event_timestamp": [
                *random.choice(exact, 100),
                *(end - timedelta(seconds=int(s)) for s in random.integers(0, 80 * 86400, 200)),
            ],
        }
    )

    store = open_store(settings)
    answer = pd.concat(
        [
            historical_table(store, service, asked).to_pandas()
            for service in ("retrieval_query_v1", "retrieval_candidate_v1")
        ],
        axis=1,
    )

    expected = _asof(settings, asked)
    numbers = [column for column in expected if expected[column].dtype == float]
    assert len(numbers) == len(PROFILE) + len(ACTIVITY)
    assert 0.1 < expected["customer_profile__baskets"].isna().mean() < 0.9  # some rows are too old or too early
    for column in expected:
        if column.startswith("customer_history__"):
            for found, wanted in zip(answer[column], expected[column], strict=True):
                assert (found is None) == (wanted is None)
                np.testing.assert_array_equal(found, wanted)
        else:
            pd.testing.assert_series_equal(answer[column], expected[column], check_dtype=False)


def _scatter(path: Path, end: datetime, random: np.random.Generator) -> None:
    """Give the rows instants of their own within the last 80 days; one row stays at the end."""
    table = pq.read_table(path)
    ages = random.choice(80 * 86400, len(table), replace=False)
    ages[0] = 0
    times = pa.array([end - timedelta(seconds=int(age)) for age in ages], pa.timestamp("us"))
    for name in ("event_timestamp", "created_timestamp"):
        table = table.set_column(table.schema.get_field_index(name), name, times)
    pq.write_table(table, path)


def _asof(settings: Settings, asked: pd.DataFrame) -> pd.DataFrame:
    """The same question in DuckDB's own words, with the validity applied afterwards."""
    features = {
        "customer_history": ("customer_id", ["product_ids", *HISTORY], settings.snapshot_weeks * 7),
        "customer_profile": ("customer_id", [*PROFILE, *TRAITS], settings.snapshot_weeks * 7),
        "product_content": ("product_id", CONTENT, None),
        "product_activity": ("product_id", ACTIVITY, settings.snapshot_weeks * 7),
    }
    asked = asked.assign(n=range(len(asked)))
    result = asked[["n"]]
    with duckdb.connect() as connection:
        connection.register("asked", asked)
        for view, (key, names, days) in features.items():
            valid = f"f.event_timestamp + INTERVAL {days} DAY >= a.event_timestamp" if days else "true"
            columns = ", ".join(f'CASE WHEN {valid} THEN f."{name}" END AS "{view}__{name}"' for name in names)
            path = settings.paths.features / f"feat_{view}.parquet"
            joined = connection.sql(
                f"SELECT n, {columns} FROM asked a ASOF LEFT JOIN read_parquet('{path}') f"
                f" ON a.{key} = f.{key} AND a.event_timestamp >= f.event_timestamp ORDER BY n"
            ).to_arrow_table()
            result = result.merge(joined.to_pandas(), on="n")
    return result.drop(columns="n")


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Next to every customer's honest rows, plant rows from after each cutoff with an unmistakable value."""
    settings = Settings(data=tmp_path_factory.mktemp("planted") / "data", snapshots=5)
    stage(settings, AS_OF)
    path = settings.paths.staged_features / "feat_customer_profile.parquet"
    honest = pq.read_table(path).to_pandas()
    future, late = [], []
    for cut in cuts(settings):
        rows = honest[honest["event_timestamp"] == cut]
        for after in (timedelta(microseconds=1), timedelta(hours=1), timedelta(days=6)):
            future.append(rows.assign(event_timestamp=cut + after, created_timestamp=cut + after, baskets=PLANTED))
        # True before the cut, but known only after it: a correction that came late.
        late.append(rows.assign(created_timestamp=cut + timedelta(minutes=1), baskets=PLANTED))
        late.append(
            rows.assign(
                event_timestamp=cut - timedelta(seconds=1), created_timestamp=cut + timedelta(days=1), baskets=PLANTED
            )
        )
    rows = pd.concat([*future, *late, honest])
    times = {name: rows.pop(name) for name in ("event_timestamp", "created_timestamp")}
    write_table(path, rows.to_dict(orient="list"), list(times["event_timestamp"]), list(times["created_timestamp"]))
    publish(settings, AS_OF)
    apply(settings)
    return settings


def cuts(settings: Settings) -> list[datetime]:
    return settings.snapshot_instants(AS_OF)[1:4]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_rows_planted_in_the_future_never_surface(planted: Settings, number: int) -> None:
    cut = cuts(planted)[number]
    asked = pd.DataFrame({"customer_id": [f"c{n}" for n in range(2, 13)], "event_timestamp": cut})

    answer = historical_table(open_store(planted), "retrieval_query_v1", asked).to_pandas()["customer_profile__baskets"]

    assert answer.notna().all()
    assert PLANTED not in set(answer)


def test_a_planted_row_does_surface_once_it_is_known(planted: Settings) -> None:
    """The test above would pass on a store that lost the rows: this one shows that they are there."""
    for after in (timedelta(microseconds=1), timedelta(minutes=2)):
        asked = pd.DataFrame({"customer_id": ["c4"], "event_timestamp": [cuts(planted)[0] + after]})
        answer = historical_table(open_store(planted), "retrieval_query_v1", asked).to_pandas()[
            "customer_profile__baskets"
        ]
        assert list(answer) == [PLANTED]


def test_a_label_is_of_its_own_window_or_missing(built: Settings) -> None:
    """A customer who bought nothing in the window gets no label, and not the label of the window before."""
    path = built.paths.features / "feat_customer_purchases.parquet"
    labels = pq.read_table(path).to_pandas().set_index(["customer_id", "event_timestamp"])["product_ids"]
    instants = built.snapshot_instants(AS_OF)
    asked = pd.DataFrame(
        [(f"c{n}", at) for n in range(1, 13) for at in instants], columns=["customer_id", "event_timestamp"]
    )
    answer = historical_table(open_store(built), "labels_v1", asked).to_pandas()["customer_purchases__product_ids"]
    missing = 0
    for row, found in zip(asked.itertuples(index=False), answer, strict=True):
        key = (row.customer_id, row.event_timestamp)
        if key in labels.index:
            np.testing.assert_array_equal(found, labels[key])
        else:
            missing += 1
            assert found is None
    assert missing > 5
