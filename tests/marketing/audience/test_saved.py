"""Saved questions: what is written is read again, and what could harm is refused."""

import tomllib
from pathlib import Path

import pytest

from marketing.audience.answer import Question
from marketing.audience.audience import Limits
from marketing.audience.question import Buyers
from marketing.audience.saved import as_toml, read_saved, save, saved_audiences
from marketing.campaigns.definition.campaign import Audience
from marketing.errors import AudienceError

QUESTIONS = [
    Question("category", ['SOUP "HOT" ÄÖ'], Limits(Buyers.NEW, 200)),
    Question("product", ["1", "2"], Limits(Buyers.PAST, None, 0.25)),
    Question("coupon", ["10000085364"], Limits()),
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_saved_question_is_read_again_and_is_an_audience_of_a_campaign(tmp_path: Path, question: Question) -> None:
    save(tmp_path, "it", question)
    found = read_saved(tmp_path, "it")
    assert (found.kind, list(found.ids), found.limits) == (question.kind, list(question.ids), question.limits)
    audience = Audience.model_validate(tomllib.loads(as_toml(question)))
    assert (audience.buyers, audience.size) == (question.limits.buyers, question.limits.size)


@pytest.mark.parametrize("name", ["../x", "", "A", "x" * 64, "a b"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(AudienceError, match="is not a name"):
        save(tmp_path / "audiences", name, QUESTIONS[0])
    assert not list(tmp_path.iterdir())


def test_a_question_that_names_customers_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(AudienceError, match="an erased customer would stay"):
        save(tmp_path, "alike", Question("customer", ["7"], Limits()))
    assert saved_audiences(tmp_path) == []


def test_a_question_without_an_item_or_with_two_categories_is_refused() -> None:
    with pytest.raises(AudienceError, match="Name at least one"):
        Question("product", [], Limits())
    with pytest.raises(AudienceError, match="one category at a time"):
        Question("category", ["A", "B"], Limits())
