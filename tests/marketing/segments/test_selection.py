"""Filters against customers counted by hand."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from marketing.errors import ScoresError
from marketing.segments import FilterError, select
from tests.support.marketing.published_scores import write_scores


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scores(tmp_path_factory.mktemp("scores"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lapse_8w > 0.3", "c4 c5 c6"),
        ("lapse_8w >= 30%", "c3 c4 c5 c6"),
        ("spend_8w in (600, 1e2)", "c1 c6"),
        ('segment.value = "high"', "c1 c2"),
        ("segment.value = 'high' and not likes(\"BEEF\")", "c1"),
        ("SEGMENT.value != 'high'", "c3 c4 c5"),
        # c6 has no segment, so it does not match the comparison and matches its opposite.
        ("NOT segment.value = 'high'", "c3 c4 c5 c6"),
        ("segment.value not in ('high')", "c3 c4 c5"),
        ("tag.basket_value > 9", "c3"),
        ('tag.age_55 = "yes" or tag."age_55" = "no"', "c1 c2"),
        ("confidence.age_55 >= 0.9", "c1"),
        ('due("SODA")', "c2 c6"),
        # `and` binds more tightly than `or`.
        ("lapse_8w < 0.15 or lapse_8w > 0.45 and spend_8w < 150", "c1 c6"),
        ("(lapse_8w < 0.15 or lapse_8w > 0.45) and spend_8w < 150", "c6"),
        ("likes('O''BRIEN''S')", "c1"),
        # A family of tags, one tag for each category.
        ('prefers("BEEF")', "c5"),
        ('tag."prefers:BEEF" > 2', "c5"),
    ],
)
def test_a_filter_matches(scores: Path, text: str, expected: str) -> None:
    assert " ".join(select(scores, text).customer_ids.to_pylist()) == expected


def test_a_filter_for_none_or_all_is_pointed_out(scores: Path) -> None:
    assert select(scores, "lapse_8w > 2").sentence() == "The filter matches none of 6 customers."
    assert select(scores, "lapse_8w < 2").sentence().startswith("The filter matches all 6 customers")
    assert select(scores, "due('SODA')").sentence() == "2 of 6 customers match (33.3%), such as c2."


def test_an_injected_quote_is_data(scores: Path) -> None:
    with pytest.raises(FilterError, match="is unknown"):
        select(scores, """likes("' OR 1=1 --")""")
    with pytest.raises(FilterError, match="is unknown"):
        select(scores, """tag."x' OR '1'='1" = "yes" """)


def test_without_tags_the_other_names_remain(scores: Path, tmp_path: Path) -> None:
    predictions = pq.read_table(scores / "predictions.parquet")
    pq.write_table(predictions, tmp_path / "predictions.parquet")

    assert len(select(tmp_path, "lapse_8w > 0.3").customer_ids) == 3
    with pytest.raises(FilterError, match="the published scores contain none"):
        select(tmp_path, 'segment.value = "high"')


def test_nothing_published_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ScoresError, match="Run the DAG score_customers"):
        select(tmp_path, "lapse_8w > 0.3")


def test_customers_of_a_shop_with_tags_alone_are_counted_once(tmp_path: Path) -> None:
    """A small shop has no prediction and no segment; its tags have several rows per customer."""
    folder = write_scores(tmp_path)
    for name in ("predictions", "segments"):
        (folder / f"{name}.parquet").unlink()
    found = select(folder, 'likes("SODA") or likes("BEEF")')
    assert (found.customer_ids.to_pylist(), found.total) == (["c1", "c2"], 5)
