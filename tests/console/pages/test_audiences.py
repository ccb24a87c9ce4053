"""The page of audiences: questions, the curve of reach, who is left out, and saved questions."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from marketing.audience.answer import Question
from marketing.audience.audience import Limits
from marketing.audience.question import Buyers
from marketing.audience.saved import save
from settings import Settings
from tests.support.console.client import log_in, open_console


def ask(client: TestClient, **fields: str) -> str:
    return client.post("/audiences", data={"kind": "category", "ids": "MILK", **fields}).text


def test_an_audience_has_a_curve_a_list_of_those_left_out_and_its_first_customers(client: TestClient) -> None:
    text = ask(client, buyers="new", size="5")
    assert "5 of 26 customers for the category &#39;MILK&#39;" in text
    assert "<svg" in text
    assert "as many drawn at random would hold" in text
    assert "bought the category &#39;MILK&#39; before" in text
    assert "beyond the size of 5" in text
    assert text.count("<td>no</td>") == 5


def test_look_alikes_have_no_curve_and_cannot_be_saved(client: TestClient) -> None:
    text = ask(client, kind="customer", ids="1, 2", size="3")
    assert "3 of 28 customers for customers like 2 given ones" in text
    assert "<svg" not in text
    assert "/audiences/saved" not in text
    answer = client.post("/audiences/saved", data={"kind": "customer", "ids": "1", "name": "x"})
    assert "is not saved" in answer.text


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"ids": "MLIK"}, "Near names: &#39;MILK&#39;"),
        ({"ids": ""}, "Name at least one"),
        ({"size": "many"}, "&#39;many&#39; is not a number"),
        ({"size": "1.5"}, "not a whole number"),
        ({"kind": "shop"}, "&#39;shop&#39; cannot be asked for"),
        ({"min_probability": "2"}, "is not a probability"),
    ],
)
def test_a_wrong_question_is_answered_with_a_sentence(
    client: TestClient, fields: dict[str, str], sentence: str
) -> None:
    assert sentence in ask(client, **fields)


def test_items_are_suggested_by_a_part_of_their_name(client: TestClient) -> None:
    text = client.post("/audiences", data={"part": "items", "kind": "product", "ids": "milk"}).text
    assert 'value="p2">Whole Milk, 3 buyers' in text
    assert "p1" not in text
    assert client.post("/audiences", data={"part": "items", "kind": "customer", "ids": "1"}).text.strip() == ""


def test_a_saved_question_is_opened_and_a_broken_file_is_named(client: TestClient, settings: Settings) -> None:
    save(settings.paths.audiences, "tea-new", Question("category", ["TEA"], Limits(Buyers.NEW, 4)))
    (settings.paths.audiences / "broken.toml").write_text("size = 0\n")
    page = client.get("/audiences?saved=tea-new").text
    assert 'value="TEA"' in page
    assert '<option value="new" selected>' in page
    assert "submit, load" in page
    assert "broken.toml cannot be used" in page
    assert "No audience is saved as &#39;none&#39;" in client.get("/audiences?saved=none").text


def test_without_scores_the_next_step_is_named(tmp_path: Path) -> None:
    with open_console(Settings(data=tmp_path / "empty")) as client:
        log_in(client, "viewer")
        assert client.get("/audiences").status_code == 200
        assert "Score the customers first" in ask(client)
        assert client.post("/audiences/export", data={}).status_code == 403
        assert client.post("/audiences/saved", data={}).status_code == 403
