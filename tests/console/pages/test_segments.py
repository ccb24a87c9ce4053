"""The page of segments: matrix, certificates, refusals, filters and comparisons."""

from pathlib import Path

from starlette.testclient import TestClient

from settings import Settings
from tests.support.console.client import log_in, open_console
from tests.support.console.published import REFUSAL


def ask(client: TestClient, part: str, **fields: str) -> str:
    return client.post("/segments", data={"part": part, **fields}).text


def test_the_matrix_and_the_certificates_with_refusals(client: TestClient) -> None:
    page = client.get("/segments").text
    assert "holds until 2018-04-02" in page
    assert "97%" in page
    assert "kappa of 0.76" in page
    assert REFUSAL.replace("<", "&lt;") in page
    matrix = client.get("/segments/matrix").text
    assert "Middle" in matrix
    assert "Snacks" in matrix
    assert "<b>30</b>" in matrix


def test_a_filter_is_counted_while_it_is_written(client: TestClient) -> None:
    text = ask(client, "count", filter='segment.value = "v0"')
    assert "<b>10</b> of 30" in text
    assert "/campaigns/new?filter=segment.value+%3D+%22v0%22" in text
    assert "matches none of 30" in ask(client, "count", filter="lapse_8w > 1")
    assert "selects no part" in ask(client, "count", filter="lapse_8w < 2")


def test_a_wrong_filter_is_answered_with_its_own_sentence(client: TestClient) -> None:
    text = ask(client, "count", filter="lapse > 1")
    assert "character 1" in text
    assert "Nearest: &#39;lapse_" in text


def test_a_condition_is_added_from_the_list_of_properties(client: TestClient) -> None:
    page = client.get("/segments/vocabulary").text
    assert "<option>segment.value</option>" in page
    assert "MILK" in page
    assert '<option value="v1">' in ask(client, "property", property="segment.value")
    added = ask(
        client, "add", filter="lapse_8w > 0.1 or spend_8w > 5", property="segment.value", operator="=", value="v1"
    )
    assert "(lapse_8w &gt; 0.1 or spend_8w &gt; 5) and segment.value = &#34;v1&#34;" in added


def test_a_condition_without_a_value_leaves_the_filter_alone(client: TestClient) -> None:
    answer = client.post("/segments", data={"part": "add", "filter": "x", "property": "lapse_8w", "operator": ">"})
    assert "lapse_8w needs a value" in answer.text
    assert answer.headers["hx-retarget"] == "#count"


def test_two_filters_are_compared(client: TestClient) -> None:
    text = ask(client, "compare", filter='segment.value = "v0"', second='segment.value in ("v0", "v1")')
    assert "10, 50.0% of those in either" in text
    assert "Mean spend 8w" in text


def test_without_scores_the_next_step_is_named_and_a_viewer_sees_no_export(tmp_path: Path) -> None:
    with open_console(Settings(data=tmp_path / "empty")) as client:
        page = log_in(client, "viewer").get("/segments").text
        assert "No segments are published yet." in page
        assert "Export" not in page
        assert "Run the DAG score_customers" in ask(client, "count", filter="lapse_8w > 1")
        assert client.post("/segments/export", data={"filter": "lapse_8w > 1"}).status_code == 403
