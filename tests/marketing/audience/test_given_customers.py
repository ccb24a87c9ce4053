"""Customers are given as ids or as a file, and ids stay texts."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from marketing.audience.given_customers import given_customers
from marketing.errors import AudienceError


def test_values_are_ids() -> None:
    assert given_customers(["007", "c-1"]) == {"007", "c-1"}
    assert given_customers(["007"]) == {"007"}


def test_a_file_of_any_kind_gives_its_ids(tmp_path: Path) -> None:
    (tmp_path / "ids").write_text("007\n\n c-1 \n")
    (tmp_path / "ids.csv").write_text("share,customer_id\n0.1,007\n0.2,c-1\n")
    pq.write_table(pa.table({"customer_id": ["007", "c-1", None]}), tmp_path / "ids.parquet")
    for name in ("ids", "ids.csv", "ids.parquet"):
        assert given_customers([str(tmp_path / name)]) == {"007", "c-1"}, name


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.csv", None, "cannot be read"),
        ("other.csv", "id\n1\n", "with the column 'customer_id'"),
        ("empty.txt", "\n", "names no customer"),
        ("broken.parquet", "PAR1", "cannot be read"),
    ],
)
def test_a_file_without_ids_is_an_error(tmp_path: Path, name: str, content: str | None, words: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(AudienceError, match=words):
        given_customers([str(tmp_path / name)])
