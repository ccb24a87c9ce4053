"""Publishing is one atomic step, safe to kill and to repeat."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from feature_store.publish import KEEP, publish
from features.declarations import TABLES
from features.errors import NotPublishedError, StagedFeaturesError
from features.publication import current_publication, publications
from settings import Settings
from tests.support.feature_store.installation import AS_OF, stage
from tests.support.feature_store.killed_steps import run_and_kill_before


def _rows(folder: Path) -> dict[str, list]:
    with duckdb.connect() as connection:
        return {
            file.name: connection.execute(f"SELECT * FROM read_parquet('{file}') ORDER BY ALL").fetchall()
            for file in sorted(folder.glob("*.parquet"))
        }


def _names(features: Path) -> list[str]:
    return sorted(entry.name for entry in features.iterdir())


def test_publishing_shows_every_staged_row_under_one_link(staged: Settings) -> None:
    before = _rows(staged.paths.staged_features)

    published = publish(staged, AS_OF)

    assert published.changed
    assert _rows(staged.paths.features) == before
    assert len(before) == len(TABLES)
    assert staged.paths.features.readlink() == Path(published.publication.name)
    assert published.publication.name == f"2018-01-01-{published.publication.content[:12]}"
    assert published.publication.as_of_instant == staged.start_of_day(AS_OF)
    assert _rows(staged.paths.staged_features) == before  # where the warehouse's views read them


def test_the_same_rows_get_the_same_name_whatever_their_order_and_row_groups(staged: Settings) -> None:
    first = publish(staged, AS_OF)
    stage(staged, AS_OF)
    for file in staged.paths.staged_features.glob("*.parquet"):
        table = pq.read_table(file)
        shuffled = table.take(pa.array(range(len(table) - 1, -1, -1), pa.int64()))
        pq.write_table(shuffled, file, row_group_size=7, compression="zstd")

    again = publish(staged, AS_OF)

    assert not again.changed
    assert again.publication.name == first.publication.name
    assert len(publications(staged.paths.features.parent)) == 1


def test_one_changed_value_gets_another_name(staged: Settings) -> None:
    first = publish(staged, AS_OF)
    stage(staged, AS_OF)
    file = staged.paths.staged_features / "feat_product_content.parquet"
    table = pq.read_table(file).to_pandas()
    table.loc[3, "brand"] = "another"
    table.to_parquet(file, coerce_timestamps="us", index=False)

    second = publish(staged, AS_OF)

    assert second.changed
    assert second.publication.name != first.publication.name
    assert current_publication(staged.paths.features) == second.publication


def test_publishing_again_without_new_tables_says_unchanged(staged: Settings) -> None:
    first = publish(staged, AS_OF)
    again = publish(staged, AS_OF)
    assert not again.changed
    assert again.publication == first.publication


def test_a_table_written_after_publishing_leaves_the_published_one_as_it_is(staged: Settings) -> None:
    publish(staged, AS_OF)
    before = _rows(staged.paths.features)
    file = staged.paths.staged_features / "feat_product_content.parquet"
    # As dbt writes: next to it, then moved.
    duckdb.execute(
        f"COPY (SELECT * REPLACE ('another' AS brand) FROM '{file}') TO '{file}' (FORMAT parquet, USE_TMP_FILE true)"
    )

    assert _rows(staged.paths.staged_features) != before
    assert _rows(staged.paths.features) == before
    assert {file.stat().st_mode & 0o222 for file in staged.paths.features.resolve().glob("*.parquet")} == {0}


def test_tables_of_two_dbt_runs_are_refused_until_one_run_builds_them_all(staged: Settings) -> None:
    folder = staged.paths.staged_features
    write_build(folder, "run one")
    first = publish(staged, AS_OF)
    write_build(folder, "run two", "feat_customer_profile")

    with pytest.raises(StagedFeaturesError, match=r"not written by one dbt run.*/ feat_customer_profile\)"):
        publish(staged, AS_OF)

    assert current_publication(staged.paths.features) == first.publication
    write_build(folder, "run two")
    assert publish(staged, AS_OF).publication == first.publication


def test_an_empty_staging_folder_is_filled_with_what_is_published(staged: Settings) -> None:
    publish(staged, AS_OF)
    for file in staged.paths.staged_features.iterdir():
        file.unlink()
    publish(staged, AS_OF)
    assert _rows(staged.paths.staged_features) == _rows(staged.paths.features)


def write_build(folder: Path, build: str, only: str = "*") -> None:
    """Write the tables again as a dbt run of this name would."""
    for file in folder.glob(f"{only}.parquet"):
        duckdb.execute(
            f"COPY (FROM '{file}') TO '{file}'"
            f" (FORMAT parquet, USE_TMP_FILE true, KV_METADATA {{reach_build: '{build}'}})"
        )


def test_publishing_an_earlier_day_again_moves_the_link_back(settings: Settings) -> None:
    stage(settings, AS_OF - timedelta(days=28), seed=2)
    earlier = publish(settings, AS_OF - timedelta(days=28))
    stage(settings, AS_OF)
    publish(settings, AS_OF)

    publish(settings, AS_OF - timedelta(days=28))

    assert current_publication(settings.paths.features) == earlier.publication


def test_nothing_staged_and_nothing_published_is_an_error_that_says_what_to_do(settings: Settings) -> None:
    with pytest.raises(NotPublishedError, match=r"Nothing is staged .* Run dbt build first"):
        publish(settings, date(2017, 6, 1))
    assert not settings.paths.features.is_symlink()


def test_only_the_last_three_publications_stay(settings: Settings) -> None:
    days = [AS_OF - timedelta(days=7 * weeks) for weeks in range(5, 0, -1)]
    for day in days:
        stage(settings, day)
        publish(settings, day)
    assert [publication.as_of for publication in publications(settings.paths.features.parent)] == days[:1:-1]
    assert KEEP == 3


def test_the_current_publication_stays_even_if_three_others_are_newer(settings: Settings) -> None:
    days = [AS_OF - timedelta(days=7 * weeks) for weeks in range(3, 0, -1)]
    for day in days:
        stage(settings, day)
        publish(settings, day)
    oldest = days[0]
    publish(settings, oldest)
    # A fourth that the link does not name: killed after the record and the rename, before the new link.
    stage(settings, AS_OF)
    killed_at = 1
    while len(publications(settings.paths.features.parent)) < 4:
        assert run_and_kill_before(killed_at, publish, settings, AS_OF)
        killed_at += 1
    assert len(publications(settings.paths.features.parent)) == 4

    publish(settings, oldest)

    assert current_publication(settings.paths.features).as_of == oldest
    assert {publication.as_of for publication in publications(settings.paths.features.parent)} == {*days, AS_OF}


@pytest.mark.parametrize("content", ["new", "published before"])
def test_a_kill_at_any_step_shows_old_or_new_tables_and_the_next_run_finishes(tmp_path: Path, content: str) -> None:
    day_before = AS_OF - timedelta(days=7)
    expected = Settings(data=tmp_path / "expected", snapshots=5)
    stage(expected, AS_OF, seed=3)
    name = publish(expected, AS_OF).publication.name
    rows = _rows(expected.paths.features)

    prepared = Settings(data=tmp_path / "prepared", snapshots=5)
    others = []
    if content == "published before":
        stage(prepared, AS_OF, seed=3)
        publish(prepared, AS_OF)
        stage(prepared, AS_OF, seed=4)  # and another content of the day since
        others = [publish(prepared, AS_OF).publication.name]
    stage(prepared, day_before)
    old = publish(prepared, day_before).publication.name
    stage(prepared, AS_OF, seed=3)

    moments = 0
    while True:
        moments += 1
        settings = Settings(data=tmp_path / f"killed-{moments}", snapshots=5)
        shutil.copytree(prepared.data, settings.data, symlinks=True)

        killed = run_and_kill_before(moments, publish, settings, AS_OF)

        shown = settings.paths.features.readlink().name
        assert shown in {old, name}
        assert len(_rows(settings.paths.features)) == len(TABLES)
        assert len(_rows(settings.paths.staged_features)) == len(TABLES)
        publish(settings, AS_OF)
        assert settings.paths.features.readlink().name == name
        assert _rows(settings.paths.features) == rows
        assert _names(settings.paths.features.parent) == sorted([".lock", "current", "staged", old, name, *others])
        if not killed:
            break
    assert moments > 3  # record, rename, symlink, replace: it was killed in the middle more than once
