"""The page of offers before an allocation."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from console.web.command import Command
from console.web.commands import Commands
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


COUPON = {"coupon": "x", "offers": 2, "to new buyers": 1}
RESULT = {
    **dict.fromkeys(("offers", "customers", "expected redemptions"), 2),
    "share of offers to customers who already buy": 0.5,
    "notes": [],
    "first offers": [],
    "coupons": [COUPON | {"campaign": "c1"}, COUPON | {"campaign": "c2"}],
}


def test_coupons_are_named_with_their_campaign_and_the_category_of_most_products(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data=tmp_path)
    settings.paths.admitted.mkdir(parents=True)
    coupons = {"coupon_id": ["x", "x", "x", "y"], "product_id": ["1", "2", "3", "3"]}
    pq.write_table(pa.table(coupons | {"campaign_id": ["c1"] * 4}), settings.paths.admitted / "coupons.parquet")
    products = pa.table({"product_id": ["1", "2", "3"], "category": ["TEA", "TEA", "MILK"]})
    pq.write_table(products, settings.paths.admitted / "products.parquet")
    done = Command("Choose", "viewer", None, exit_code=0, result=RESULT, result_part="/offers/parts/1")
    done.lines.append("raw output")
    monkeypatch.setattr(Commands, "find", lambda *_: done)
    with open_console(settings) as client:
        log_in(client, "viewer")
        page = client.get("/offers/parts/1").text
        progress = client.get("/commands/1").text
    assert "x in c1" in page
    assert "x in c2" in page
    assert page.count("<td>TEA</td>") == 2
    assert "<html" not in page
    assert 'hx-get="/offers/parts/1"' in progress
    assert "raw output" not in progress
