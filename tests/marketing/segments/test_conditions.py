"""Conditions from a list of properties: each one that is written is a filter."""

from pathlib import Path

import pytest

from marketing.segments import FilterError, Vocabulary, open_scores, read_vocabulary, select
from marketing.segments.conditions import condition, properties, with_condition
from tests.support.marketing.published_scores import write_scores


@pytest.fixture
def vocabulary(tmp_path: Path) -> Vocabulary:
    with open_scores(write_scores(tmp_path)) as connection:
        return read_vocabulary(connection)


def test_every_property_with_every_operator_is_a_filter(vocabulary: Vocabulary, tmp_path: Path) -> None:
    found = properties(vocabulary)
    assert {one.name for one in found} >= {"lapse_8w", "segment.value", "tag.basket_value", "likes", "prefers", "due"}
    text = ""
    for one in found:
        for operator in one.operators:
            for value in one.values or ("30%",):
                text = condition(one, operator, value)
                select(tmp_path, text)
    assert text


def test_a_condition_narrows_a_filter(tmp_path: Path) -> None:
    write_scores(tmp_path)
    joined = with_condition('due("BEEF") or lapse_8w > 0.55', "spend_8w > 300")
    assert joined == '(due("BEEF") or lapse_8w > 0.55) and spend_8w > 300'
    assert select(tmp_path, joined).customer_ids.to_pylist() == ["c1"]
    assert with_condition(" ", "spend_8w > 1") == "spend_8w > 1"


def test_a_condition_without_a_value_is_refused(vocabulary: Vocabulary) -> None:
    lapse = next(one for one in properties(vocabulary) if one.name == "lapse_8w")
    with pytest.raises(FilterError, match="needs a value"):
        condition(lapse, ">", " ")
    with pytest.raises(FilterError, match="not with 'is'"):
        condition(lapse, "is", "1")
    with pytest.raises(FilterError, match="cannot stand here"):
        with_condition("lapse_8w >", "spend_8w > 1")
