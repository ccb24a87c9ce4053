"""The command prints how many customers match and writes their ids."""

from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest

from marketing.errors import MarketingError
from marketing.segments import command
from tests.support.marketing.published_scores import write_scores


def test_count_share_example_and_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = SimpleNamespace(paths=SimpleNamespace(customers=write_scores(tmp_path / "scores")))
    for name in ("ids.csv", "ids.parquet"):
        found = command.run(settings, Namespace(filter="lapse_8w > 0.3", out=tmp_path / name, compare=None))
        assert found == {"customers": 3, "of": 6, "share": 0.5, "example": "c4", "out": str(tmp_path / name)}

    assert (tmp_path / "ids.csv").read_text().split() == ['"customer_id"', '"c4"', '"c5"', '"c6"']
    assert pq.read_table(tmp_path / "ids.parquet")["customer_id"].to_pylist() == ["c4", "c5", "c6"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ids.csv", "ids.parquet", "scores"]


def test_another_ending_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(MarketingError, match=r"ids\.txt ends neither"):
        command.run(SimpleNamespace(), Namespace(filter="x > 1", out=Path("ids.txt")))
