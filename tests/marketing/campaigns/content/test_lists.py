"""Lists of another model or of older features are refused with the command that writes them again."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.paths import Paths
from marketing.campaigns.content import lists
from marketing.campaigns.content.lists import ListsRecord, lists_problem, published_lists, wanted_lists
from marketing.campaigns.definition.campaign import Campaign
from marketing.campaigns.errors import CampaignError

PRESENT = ListsRecord("v2", "2018-01-01-aaa", 12)

Write = Callable[[ListsRecord | None], None]


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.setattr(lists, "present_record", lambda _, count: replace(PRESENT, count=count))
    return Paths(tmp_path)


@pytest.fixture
def write(paths: Paths) -> Write:
    def written(record: ListsRecord | None) -> None:
        table = pa.table({"customer_id": ["1", "1"], "rank": [1, 2], "product_id": ["p", "q"]})
        paths.recommendations.mkdir(exist_ok=True)
        pq.write_table(
            table.replace_schema_metadata(record.metadata if record else None), paths.recommendations / "all.parquet"
        )

    return written


def _products(paths: Paths, count: int = 12) -> list[str]:
    found: list[str] = published_lists(paths)(pa.array(["1"]), "all", count)["product_id"].to_pylist()
    return found


def _campaign(slot: dict[str, object] | None) -> Campaign:
    fields = {"id": "a", "goal": "g", "message_class": "promotional", "purpose": "marketing"}
    audience = {"audience": {"everybody": True}, "content": [{"name": "c", "subject": "s", "text": "t"}]}
    return Campaign.model_validate({**fields, **audience, "recommendations": slot})


def test_lists_of_the_champion_and_the_published_features_are_read(paths: Paths, write: Write) -> None:
    write(PRESENT)
    assert _products(paths) == ["p", "q"]
    assert _products(paths, 1) == ["p"]


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (replace(PRESENT, version="v1"), "are of the version v1, and the champion is v2"),
        (replace(PRESENT, features="2017-12-01-bbb"), "made of the features 2017-12-01-bbb, and the published ones"),
        (replace(PRESENT, count=4), "hold 4 products per customer, and 12 are needed"),
    ],
)
def test_other_lists_are_refused_with_the_next_step(
    paths: Paths, write: Write, found: ListsRecord, message: str
) -> None:
    write(found)
    with pytest.raises(CampaignError, match=rf"{message}.*ml recommend --for-campaigns"):
        _products(paths)


def test_missing_lists_name_the_command_that_writes_them(paths: Paths) -> None:
    with pytest.raises(CampaignError, match=r"all.parquet are missing. Write them: .*ml recommend --for-campaigns"):
        _products(paths)


def test_lists_without_a_record_are_read_with_a_warning(
    paths: Paths, write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    write(None)
    assert _products(paths) == ["p", "q"]
    assert "their age is not checked" in caplog.text


def test_lists_that_have_to_be_written_are_a_sentence(paths: Paths, write: Write) -> None:
    shown = _campaign({"slate": "all", "count": 3})
    assert lists_problem(paths, shown) == "The lists all.parquet are missing."
    write(replace(PRESENT, version="v1"))
    assert lists_problem(paths, shown) == "The lists all.parquet are of the version v1, and the champion is v2."
    for record in (PRESENT, None):
        write(record)
        assert lists_problem(paths, shown) is None
    assert lists_problem(paths, _campaign(None)) is None


def test_campaigns_want_the_longest_list_of_each_slate() -> None:
    slots = ({"slate": "all", "count": 2}, {"slate": "all", "count": 5}, {"slate": "explore", "count": 3}, None)
    assert wanted_lists([_campaign(slot) for slot in slots]) == {"all": 20, "explore": 12}
    assert wanted_lists([]) == {}
