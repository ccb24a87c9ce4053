"""An erased customer is in no published file, and the rows of the others stay the same."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from customer_scores import audience_files
from customer_scores.__main__ import main
from customer_scores.erasure import erase
from customer_scores.errors import ScoresNotPublishedError
from customer_scores.publication import current_publication, publications
from customer_scores.publish import publish
from customer_scores.tables import HISTORY
from marketing.audience import index as audience_index
from marketing.audience.index import AudienceIndex
from settings import Settings
from tests.support.customer_scores.marketing import stage_marketing
from tests.support.customer_scores.scores import AS_OF, CUSTOMERS, stage_scores

GONE = ("1", "11", "30")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Two publications with a history, and the staged scores."""
    monkeypatch.setenv("REACH_DATA", str(tmp_path / "data"))
    settings = Settings(data=tmp_path / "data")
    for seed in (7, 8):
        stage_scores(settings, seed=seed)
        stage_marketing(settings)
        publish(settings, AS_OF)
    return settings


def tables(settings: Settings) -> dict[str, pa.Table]:
    folder = settings.paths.customers.resolve()
    found = {str(file.relative_to(folder)): pq.read_table(file) for file in folder.rglob("*.parquet")}
    return {name: table for name, table in found.items() if "customer_id" in table.column_names}


def without(table: pa.Table) -> pa.Table:
    return table.filter(pa.array([each not in GONE for each in table["customer_id"].to_pylist()]))


def test_erased_customers_are_in_no_file_and_the_others_stay(settings: Settings) -> None:
    before, old = tables(settings), {each.name for each in publications(settings.paths.customers.parent)}
    erased = erase(settings, [*GONE, "stranger"])

    after = tables(settings)
    assert set(after) == set(before)
    for name, table in after.items():
        assert table.equals(without(before[name])), name
    assert (erased.customers, erased.unknown, erased.deleted) == (3, 1, 2)
    assert erased.rows[HISTORY] == 6, "two axes at one snapshot"
    lost = {name: len(before[name]) - len(table) for name, table in after.items() if not name.startswith("profiles")}
    assert erased.rows == {name: count for name, count in lost.items() if count}
    assert [each.name for each in publications(settings.paths.customers.parent)] == [erased.publication]
    assert erased.publication not in old
    assert not settings.paths.staged_customers.exists()
    part = current_publication(settings.paths.customers).parts["predictions"]
    assert part.rows["predictions.parquet"] == len(CUSTOMERS) - 3


def test_the_index_of_audiences_names_the_same_buyers(settings: Settings) -> None:
    def buyers(index: AudienceIndex) -> dict[tuple[str, str], dict[str, list[float]]]:
        found = {}
        for kind, rows in index.numbers.items():
            for item, row in rows.items():
                past = index.past_buyers([row])
                ids = index.customer_ids.take(pa.array(past.customers)).to_pylist()
                found[kind, item] = dict(zip(ids, np.round(past.bought, 4).tolist(), strict=True))
        return found

    names = ("CUSTOMERS", "ITEMS", "BUYERS")
    assert [getattr(audience_files, name) for name in names] == [getattr(audience_index, name) for name in names]
    before = buyers(AudienceIndex.open(settings.paths.customers))
    assert any("1" in found for found in before.values())
    erase(settings, GONE)
    expected = {
        item: {customer: bought for customer, bought in found.items() if customer not in GONE}
        for item, found in before.items()
    }
    assert buyers(AudienceIndex.open(settings.paths.customers)) == expected


def test_the_next_publication_keeps_the_history_without_them(settings: Settings) -> None:
    erase(settings, GONE)
    rest = [customer for customer in CUSTOMERS if customer not in GONE]
    stage_scores(settings, AS_OF, rest, seed=9)
    publish(settings, AS_OF)
    assert not set(GONE) & set(tables(settings)[HISTORY]["customer_id"].to_pylist())


def test_a_second_erasure_needs_no_staged_scores(settings: Settings) -> None:
    erase(settings, GONE)
    assert erase(settings, ["2"]).customers == 1


def test_customers_in_no_table_change_nothing_but_older_copies_go(settings: Settings) -> None:
    before = current_publication(settings.paths.customers)
    erased = erase(settings, ["stranger"])
    assert (erased.publication, erased.customers, erased.rows) == (before.name, 0, {})
    assert publications(settings.paths.customers.parent) == [before]


def test_an_erasure_killed_at_any_rename_ends_well_the_next_time(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine, killed = Path.rename, 0
    for moment in range(1, 100):
        calls = iter(range(1, 100))

        def rename(self: Path, target: Path, moment: int = moment, calls: Iterator[int] = calls) -> Path:
            if next(calls) == moment:
                raise KeyboardInterrupt
            return genuine(self, target)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "rename", rename)
            try:
                erase(settings, GONE)
                break
            except KeyboardInterrupt:
                killed += 1
        assert len(tables(settings)[HISTORY]), "a whole publication is current"
    assert killed > 3
    assert len(publications(settings.paths.customers.parent)) == 1
    assert not any(set(GONE) & set(table["customer_id"].to_pylist()) for table in tables(settings).values())
    assert {file.name for file in settings.paths.customers.parent.glob(".*")} == {".lock"}


def test_the_command_reads_ids_from_a_file_and_prints_counts_without_ids(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = tmp_path / "ids.txt"
    ids.write_text("30\n\n stranger \n")
    assert main(["erase", str(ids)]) == 0
    output = capsys.readouterr().out
    assert "Erased 1 of 2 customers; 1 were in no table." in output
    assert "materialize-profiles --as-of 2018-01-01" in output
    assert "stranger" not in output
    assert json.loads(output.splitlines()[-1])["customers"] == 1
    assert main(["erase", str(tmp_path / "none.txt")]) == 1
    ids.write_text("\n")
    assert main(["erase", str(ids)]) == 1
    assert "names no customer" in capsys.readouterr().err


def test_without_published_scores_there_is_nothing_to_erase(tmp_path: Path) -> None:
    with pytest.raises(ScoresNotPublishedError):
        erase(Settings(data=tmp_path / "data"), GONE)
