"""A column of truth values is read from words and from Parquet's own type, and nothing else."""

from pathlib import Path

import duckdb
import pytest

from landing.contract import DECISIONS
from landing.errors import ContractError
from landing.feedback.merged_table import land_feedback
from landing.findings import Findings
from landing.reading.casting import PlausibleDays
from settings import Settings
from tests.support.landing.shop import write_parquet

HEADER = "request_id,slate,position,product_id,model_version,decided_at,is_holdout\n"
ROW = "{},all,1,0010,mail,2017-01-01,{}\n"


def landed(tmp_path: Path) -> list[tuple[str, bool | None]]:
    """Merge the decisions of the landing, and return the holdout of each answer."""
    days = PlausibleDays.of(Settings())
    merged = land_feedback(tmp_path / "home", tmp_path, days, Findings())[DECISIONS]
    query = f"SELECT request_id, is_holdout FROM {merged.file.reader()} ORDER BY ALL"
    with duckdb.connect() as connection:
        return connection.execute(query).fetchall()


def test_words_in_any_case_are_truth_values_and_an_empty_field_is_missing(tmp_path: Path) -> None:
    values = {"a": "true", "b": "FALSE", "c": "", "d": "True"}
    rows = "".join(ROW.format(*pair) for pair in values.items())
    (tmp_path / "decisions.csv").write_text(HEADER + rows)
    assert landed(tmp_path) == [("a", True), ("b", False), ("c", None), ("d", True)]


def test_a_boolean_column_of_parquet_is_read_as_it_is_typed(tmp_path: Path) -> None:
    columns = "'a' AS request_id, 'all' AS slate, 1 AS position, '10' AS product_id, 'v' AS model_version"
    write_parquet(tmp_path, "decisions", f"SELECT {columns}, DATE '2017-01-01' AS decided_at, true AS is_holdout")
    assert landed(tmp_path) == [("a", True)]
    write_parquet(tmp_path, "decisions", f"SELECT {columns}, DATE '2017-01-01' AS decided_at, 1 AS is_holdout")
    with pytest.raises(ContractError, match="'is_holdout' is of type INTEGER; expected true or false"):
        landed(tmp_path)


@pytest.mark.parametrize("written", ["1", "0", "t", "yes", "on"])
def test_other_words_are_refused_with_row_and_value(tmp_path: Path, written: str) -> None:
    (tmp_path / "decisions.csv").write_text(HEADER + ROW.format("a", written))
    with pytest.raises(ContractError, match=rf"decisions\.csv.*row 1: the column 'is_holdout' holds '{written}'"):
        landed(tmp_path)
