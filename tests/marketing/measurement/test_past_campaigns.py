import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.measurement.purchases import admitted_purchases
from marketing.__main__ import main
from marketing.measurement.past_campaigns import past_campaigns
from settings import Settings
from tests.support.marketing.measured_campaign import CUSTOMERS, START, drawn, write_admission


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A shop whose campaign chose its best customers and did nothing; a second one began as the data ends."""
    write_admission(tmp_path, drawn({"offer": 1.0}), 0.0)
    transactions = pq.read_table(tmp_path / "admitted" / "transactions.parquet")
    total = transactions.group_by("customer_id").aggregate([("sales_value", "sum")])
    best = total.sort_by([("sales_value_sum", "descending")])["customer_id"][:300].to_pylist()
    days = {"1": START, "2": START.replace(day=30), "3": START.replace(day=16)}
    rows = [(name, customer_id, day) for customer_id in best for name, day in days.items()]
    names, ids, starts = zip(*rows, strict=True)
    pq.write_table(
        pa.table(
            {"campaign_id": names, "customer_id": ids, "campaign_type": ["Type A"] * len(ids), "starts_on": starts}
        ),
        tmp_path / "admitted" / "campaigns.parquet",
    )
    return tmp_path


def test_a_campaign_without_a_holdout_is_never_an_effect(data: Path) -> None:
    settings = Settings(data=data)
    first, third, second = past_campaigns(settings, admitted_purchases(settings))
    assert (first.campaign_id, first.mailed, first.chosen + first.others <= CUSTOMERS) == ("1", 300, True)
    assert first.result is not None
    naive, before, earlier = first.result.naive, *first.result.placebos
    # The naive difference is "significant", and as large before the campaign as in it.
    assert naive.p_value < 1e-6
    assert naive.difference == pytest.approx(before.difference, rel=0.1)
    assert earlier.difference == pytest.approx(before.difference, rel=0.1)
    verdict = first.result.verdict
    assert verdict.effect is None
    assert verdict.sentence.startswith("Not identified: no hold-out was drawn; the difference in spend per week")
    assert "customers chosen for what only the sender expected differ" in verdict.sentence
    # Three weeks of data are compared as spend per week, too.
    assert third.result is not None
    assert third.result.naive.difference == pytest.approx(third.result.placebos[0].difference, rel=0.12)
    assert second.result is None
    assert second.why_not == "the data ends on 2017-11-06, before its first 3 weeks do"


def test_spend_is_per_week_and_customer(data: Path) -> None:
    settings = Settings(data=data)
    first, *_ = past_campaigns(settings, admitted_purchases(settings))
    transactions = pq.read_table(data / "admitted" / "transactions.parquet").to_pandas()
    chosen = set(pq.read_table(data / "admitted" / "campaigns.parquet")["customer_id"].to_pylist())
    start = np.datetime64("2017-10-02T04:00:00")
    spent = transactions[
        (transactions.transaction_at >= start) & (transactions.transaction_at < start + np.timedelta64(28, "D"))
    ]
    of_chosen = spent[spent.customer_id.isin(chosen)].sales_value.sum() / 4 / first.chosen
    of_others = spent[~spent.customer_id.isin(chosen)].sales_value.sum() / 4 / first.others
    assert first.result is not None
    assert first.result.naive.difference == pytest.approx(of_chosen - of_others, rel=0.02)


def test_customers_who_first_bought_in_the_campaign_take_no_part(data: Path) -> None:
    settings = Settings(data=data)
    before, *_ = past_campaigns(settings, admitted_purchases(settings))
    file = data / "admitted" / "transactions.parquet"
    table = pq.read_table(file)
    new = {"customer_id": "new", "basket_id": "new", "sales_value": 5.0, "transaction_at": datetime(2017, 10, 20)}
    pq.write_table(pa.concat_tables([table, pa.Table.from_pylist([new], schema=table.schema)]), file)
    after, *_ = past_campaigns(settings, admitted_purchases(settings))
    assert after == before


def test_the_command_strikes_the_naive_number_through(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REACH_DATA", str(data))
    assert main(["past-campaigns"]) == 0
    printed = capsys.readouterr().out.splitlines()
    figures = json.loads(printed[-1])
    assert (figures["campaigns"], figures["compared"], figures["called_effect"]) == (3, 2, 0)
    assert [row["verdict"] for row in figures["rows"]] == ["not identified"] * 3
    assert figures["rows"][2]["naive"] is None
    assert len(figures["rows"][0]["placebos"]) == 2
    assert all("~~+" in line and line.endswith("not identified") for line in printed[2:4])
    assert "the data ends on 2017-11-06" in printed[4]
    assert f"~~{figures['naive']:+.1f}~~ in the campaign" in printed[5]


def test_a_landing_without_campaigns_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REACH_DATA", str(tmp_path))
    write_admission(tmp_path, drawn({"offer": 1.0}), 0.0)
    assert main(["past-campaigns"]) == 1
    assert "the landing has no campaigns to compare" in capsys.readouterr().err
