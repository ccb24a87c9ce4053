"""Publishing scores is one atomic step, safe to kill and to repeat, and loses neither a part nor a snapshot."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from customer_scores.errors import ScoresNotPublishedError, StagedScoresError
from customer_scores.publication import current_publication, publications
from customer_scores.publish import KEEP, publish
from customer_scores.staged import MANIFEST
from customer_scores.tables import HISTORY, TAGS
from settings import Settings
from tests.support.customer_scores.scores import AS_OF, CUSTOMERS, stage_scores

WEEK = timedelta(weeks=1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data")


def query(text: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(text).fetchall()


def test_a_publication_holds_every_staged_row_and_never_changes(settings: Settings) -> None:
    stage_scores(settings)
    published = publish(settings, AS_OF)
    before = pq.read_table(settings.paths.customers / TAGS)

    stage_scores(settings, seed=8, customers=CUSTOMERS[:5])  # the next scores, not yet published

    assert published.changed
    assert published.publication.parts["predictions"].rows == {"predictions.parquet": len(CUSTOMERS)}
    assert pq.read_table(settings.paths.customers / TAGS).equals(before)
    assert not any(file.stat().st_mode & 0o222 for file in settings.paths.customers.resolve().rglob("*.parquet"))


def test_the_same_scores_are_published_once(settings: Settings) -> None:
    stage_scores(settings)
    first = publish(settings, AS_OF)
    stage_scores(settings)
    again = publish(settings, AS_OF)
    assert not again.changed
    assert again.publication == first.publication
    assert len(publications(settings.paths.customers.parent)) == 1


def test_a_part_without_new_scores_keeps_those_of_its_own_day(settings: Settings) -> None:
    stage_scores(settings)
    publish(settings, AS_OF)
    tags = pq.read_table(settings.paths.customers / TAGS)

    stage_scores(settings, AS_OF + WEEK, parts=("predictions", "segments"), version="newer")
    published = publish(settings, AS_OF + WEEK)

    assert published.kept == ["tags", "taste"]
    assert pq.read_table(settings.paths.customers / TAGS).equals(tags)
    parts = current_publication(settings.paths.customers).parts
    assert (parts["tags"].as_of, parts["tags"].model_version) == (AS_OF, "2018-01-01-aaaaaa-11111111")
    assert (parts["segments"].as_of, parts["segments"].model_version) == (AS_OF + WEEK, "newer")
    packed = query(f"SELECT DISTINCT event_timestamp FROM '{settings.paths.customers}/profiles/customer_tags.parquet'")
    assert packed == [(settings.start_of_day(AS_OF),)]


def test_a_publication_keeps_the_reasons_and_the_certificates_of_a_part(settings: Settings) -> None:
    stage_scores(settings)
    file = settings.paths.staged_customers / MANIFEST
    record = json.loads(file.read_text())
    tables = {"certificates": [{"axis": "value", "kappa": 0.7}], "hysteresis": [{"kappa": 0.6}]}
    record["parts"]["segments"] |= {"reasons": ["terciles refused: kappa 0.4 < 0.50."], "tables": tables}
    file.write_text(json.dumps(record))
    publish(settings, AS_OF)

    found = current_publication(settings.paths.customers).parts["segments"].evaluation
    assert found is not None
    assert found.reasons == ("terciles refused: kappa 0.4 < 0.50.",)
    assert found.tables == {"certificates": [{"axis": "value", "kappa": 0.7}]}


def test_the_history_of_segments_grows_and_a_snapshot_published_again_replaces_itself(settings: Settings) -> None:
    for as_of, customers in ((AS_OF, CUSTOMERS), (AS_OF + WEEK, CUSTOMERS[1:]), (AS_OF, CUSTOMERS[:2])):
        stage_scores(settings, as_of, customers)
        publish(settings, as_of)
    rows = query(
        f"SELECT snapshot::DATE, count(DISTINCT customer_id) FROM '{settings.paths.customers / HISTORY}' "
        "GROUP BY 1 ORDER BY 1"
    )
    # The instant of a day in New York is of the same date in UTC.
    assert rows == [(AS_OF, 2), (AS_OF + WEEK, len(CUSTOMERS) - 1)]


def test_a_staged_history_fills_only_snapshots_of_which_nothing_was_published(settings: Settings) -> None:
    stage_scores(settings)
    publish(settings, AS_OF)
    stage_scores(settings, AS_OF + WEEK)
    rows = ", ".join(
        f"(TIMESTAMP '{settings.start_of_day(AS_OF + weeks * WEEK)}', 'staged', 'value', 'high')"
        for weeks in (-1, 0, 1)
    )
    staged = settings.paths.staged_customers / HISTORY
    query(f"COPY (FROM (VALUES {rows}) AS t(snapshot, customer_id, axis, segment)) TO '{staged}'")
    assert publish(settings, AS_OF + WEEK).snapshots == 3
    history = settings.paths.customers / HISTORY
    assert query(f"SELECT snapshot::DATE FROM '{history}' WHERE customer_id = 'staged'") == [(AS_OF - WEEK,)]
    assert query(f"SELECT count(*) > 1 FROM '{history}' WHERE snapshot::DATE = '{AS_OF}'") == [(True,)]


def test_the_scores_of_a_part_expire_after_a_quarter(settings: Settings) -> None:
    stage_scores(settings)
    publish(settings, AS_OF)
    for weeks, kept in ((13, ["tags", "taste"]), (14, [])):
        stage_scores(settings, AS_OF + weeks * WEEK, parts=("predictions", "segments"))
        assert publish(settings, AS_OF + weeks * WEEK).kept == kept
    assert not (settings.paths.customers / TAGS).exists()


def test_the_history_outlives_a_publication_without_segments(settings: Settings) -> None:
    stage_scores(settings)
    publish(settings, AS_OF)
    stage_scores(settings, AS_OF + WEEK, parts=("predictions",))
    published = publish(settings, AS_OF + WEEK)
    assert published.snapshots == 1  # the kept segments are those of the first day


def test_a_profile_has_a_row_for_whom_any_table_knows(settings: Settings) -> None:
    stage_scores(settings)
    publish(settings, AS_OF)
    folder = settings.paths.customers / "profiles"
    assert query(f"SELECT count(*), count(*) FILTER (tags = []) FROM '{folder}/customer_tags.parquet'") == [(30, 15)]
    assert query(
        f"SELECT tags, sensitive, evidence_until FROM '{folder}/customer_tags.parquet' WHERE customer_id = '1'"
    ) == [(["age_55", "main_store"], [1, 0], ["2018-01-01", "2018-01-01"])]


def test_only_the_newest_publications_stay(settings: Settings) -> None:
    for week in range(KEEP + 2):
        stage_scores(settings, AS_OF + week * WEEK)
        publish(settings, AS_OF + week * WEEK)
    kept = {publication.as_of for publication in publications(settings.paths.customers.parent)}
    assert kept == {AS_OF + week * WEEK for week in range(2, KEEP + 2)}
    assert len(query(f"SELECT DISTINCT snapshot FROM '{settings.paths.customers / HISTORY}'")) == KEEP + 2


def _drop_column(folder: Path) -> None:
    table = pq.read_table(folder / TAGS)
    pq.write_table(table.drop_columns(["confidence"]), folder / TAGS)


def _wrong_type(folder: Path) -> None:
    table = pq.read_table(folder / TAGS).to_pandas()
    pq.write_table(
        pq.read_table(folder / TAGS).set_column(3, "confidence", [table["confidence"].astype(str)]), folder / TAGS
    )


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "scored.json").unlink(), "No scores are staged"),
        (lambda folder: (folder / "scored.json").write_text("{"), r"scored\.json cannot be read"),
        (lambda folder: (folder / "scored.json").write_text(json.dumps({"as_of": "2018-01-01"})), "snapshot"),
        (lambda folder: (folder / TAGS).write_bytes(b"PAR1"), r"tags\.parquet is not a readable Parquet file"),
        (_drop_column, "has no column 'confidence'"),
        (_wrong_type, "'confidence' of tags.parquet is string; expected: double"),
        (lambda folder: (folder / "notes.txt").write_text("?"), r"'notes\.txt' belongs to no part"),
    ],
)
def test_damaged_scores_are_refused_and_the_published_ones_stay(
    settings: Settings, damage: Callable[[Path], object], message: str
) -> None:
    stage_scores(settings)
    first = publish(settings, AS_OF)
    stage_scores(settings, AS_OF + WEEK)
    damage(settings.paths.staged_customers)
    with pytest.raises(StagedScoresError, match=message):
        publish(settings, AS_OF + WEEK)
    assert current_publication(settings.paths.customers) == first.publication


def test_scores_of_another_day_are_refused(settings: Settings) -> None:
    stage_scores(settings)
    with pytest.raises(StagedScoresError, match=r"are of 2018-01-01, not of 2018-02-01"):
        publish(settings, date(2018, 2, 1))
    with pytest.raises(ScoresNotPublishedError, match="score_customers"):
        current_publication(settings.paths.customers)


class Killed(BaseException):
    """Stands for SIGKILL: no handler of the step catches it."""


def test_a_publication_killed_at_any_rename_leaves_the_last_one_and_the_next_run_ends_well(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage_scores(settings)
    first = publish(settings, AS_OF)
    stage_scores(settings, AS_OF + WEEK)
    real, killed = Path.rename, 0
    for moment in range(1, 100):
        calls = iter(range(1, 100))

        def rename(self: Path, target: Path, moment: int = moment, calls: Any = calls) -> Path:
            if next(calls) == moment:
                raise Killed
            return real(self, target)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "rename", rename)
            try:
                publish(settings, AS_OF + WEEK)
                break
            except Killed:
                killed += 1
        assert current_publication(settings.paths.customers) == first.publication
    assert killed > 3
    assert current_publication(settings.paths.customers).as_of == AS_OF + WEEK
    assert not list(settings.paths.customers.parent.glob(".*.staging"))
