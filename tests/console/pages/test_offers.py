"""The page of offers before an allocation."""

from pathlib import Path

from settings import Settings
from tests.support.console.client import log_in, open_console
from tests.support.console.published import publish_scores


def test_the_slider_ends_at_a_budget_that_no_allocation_exceeds(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    publish_scores(settings)
    with open_console(settings) as client:
        page = log_in(client, "viewer").get("/offers/form").text
    # Three customers, three coupons each, of face value 1.
    assert 'max="10"' in page


def test_without_offers_the_reason_is_named(tmp_path: Path) -> None:
    with open_console(Settings(data=tmp_path)) as client:
        assert "Nothing is sent" in log_in(client, "viewer").get("/offers").text
        page = client.get("/offers/form").text
        assert "No offers are published" in page
        assert "<form" not in page
        assert "is not a number" in client.post("/offers", data={"budget": "much"}).text
        assert client.get("/offers/results/x").status_code == 404
