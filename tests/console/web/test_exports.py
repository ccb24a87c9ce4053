"""Exports that leave nothing behind, a saved audience, and an allocation of coupons."""

import os
import subprocess  # noqa: F401  (the console starts programs here: an integration test)
import time
from io import BytesIO

import pyarrow.parquet as pq
from starlette.testclient import TestClient

from settings import Settings


def test_a_segment_is_exported_and_the_file_is_deleted(client: TestClient, settings: Settings) -> None:
    left = settings.paths.exports / "segment-left.csv"
    left.parent.mkdir()
    left.write_text("7\n")
    left_at = time.time() - 7_200
    os.utime(left, (left_at, left_at))
    answer = client.post("/segments/export", data={"filter": 'segment.value = "v0"'})
    assert answer.headers["content-disposition"].startswith('attachment; filename="segment-')
    assert len(answer.text.splitlines()) == 11
    assert list(settings.paths.exports.iterdir()) == []


def test_a_wrong_filter_is_not_exported(client: TestClient) -> None:
    answer = client.post("/segments/export", data={"filter": "lapse > 1"})
    assert answer.status_code == 400
    assert "is unknown" in answer.text


def test_audiences_are_exported_also_of_look_alikes(client: TestClient, settings: Settings) -> None:
    asked = {"kind": "category", "ids": "MILK", "buyers": "new", "size": "5", "format": "parquet"}
    table = pq.read_table(BytesIO(client.post("/audiences/export", data=asked).content))
    assert table.column_names == ["customer_id", "probability", "bought_before"]
    assert table.num_rows == 5
    alike = {"kind": "customer", "ids": "1 2", "format": "csv"}
    assert (
        client.post("/audiences/export", data=alike).text.splitlines()[0]
        == '"customer_id","similarity","bought_before"'
    )
    assert list(settings.paths.exports.iterdir()) == []


def test_an_audience_is_saved_under_a_name(client: TestClient, settings: Settings) -> None:
    asked = {"kind": "category", "ids": "milk", "buyers": "new", "size": "5", "name": "milk-new"}
    assert "Open 'milk-new'" in client.post("/audiences/saved", data=asked).text
    lines = (settings.paths.audiences / "milk-new.toml").read_text()
    assert lines == 'category = "milk"\nbuyers = "new"\nsize = 5\n'
    assert "is not a name" in client.post("/audiences/saved", data={**asked, "name": "../x"}).text


def test_coupons_are_allotted_under_a_budget(client: TestClient) -> None:
    asked = {"budget": "2", "per_customer": "3", "max_existing_share": "100", "face_value": "", "margin": ""}
    command_id = client.post("/offers", data=asked).text.split("/commands/")[1].split('"')[0]
    while (answer := client.get(f"/commands/{command_id}")) and "hx-redirect" not in answer.headers:
        assert "problem" not in answer.text, answer.text
        time.sleep(0.2)
    page = client.get(answer.headers["hx-redirect"]).text
    assert "2 coupons for 2 customers" in page
    assert 'value="2"' in client.get(page.split('hx-get="')[1].split('"')[0]).text
    assert "Each extra 100 of budget brings" in page
    assert "<svg" in page
