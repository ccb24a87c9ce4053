"""Defects of consents, addresses and bounces are counted with an example that shows no person."""

from datetime import date, datetime
from pathlib import Path

import pandas as pd

from core.duckdb_engine import connect
from quality.frames.landing.admitted import Admitted
from quality.frames.landing.contacts import contacts
from quality.suites.contacts import CONTACTS
from quality.thresholds import load_thresholds
from tests.support.landing.shop import admit_shop, write_shop

CONSENTS = "customer_id,channel,purpose,granted,since\n"
ADDRESSES = "customer_id,channel,address,timezone,since\n"
BOUNCES = "customer_id,address,channel,kind,bounced_at\n"


def _frame(tmp_path: Path, **tables: str) -> pd.Series:
    admit_shop(tmp_path, write_shop(tmp_path / "in", **tables))
    folder = tmp_path / "data" / "admitted"
    with connect(tmp_path / "spill", "256MB") as connection:
        day = date(2017, 1, 3)
        found = contacts(Admitted(connection, folder, day, datetime(2017, 1, 3, 5), "America/New_York"))
    assert len(found) == 1
    return found.iloc[0]


def test_a_shop_without_the_tables_breaks_nothing(tmp_path: Path) -> None:
    found = _frame(tmp_path)
    limits = load_thresholds("landing", None).applied(CONTACTS)
    assert len(limits) == len(CONTACTS)
    assert {check.name for check in limits if found[check.arguments["column"]] != 0} == set()


def test_answers_that_cannot_be_right_are_counted(tmp_path: Path) -> None:
    said = "007,email,marketing,true,2016-05-01\n007,email,marketing,false,2016-05-01\n"
    late = "8,email,marketing,true,2017-01-09\n"
    found = _frame(tmp_path, consents=CONSENTS + said + said + late)
    assert found["contradicting_consents"] == 1
    assert found["contradiction_example"] == "channel email, purpose marketing, since 2016-05-01 00:00:00"
    assert (found["late_consents"], found["late_consent_example"]) == (1, "since 2017-01-09 00:00:00")
    assert found["copied_answer_share"] == 0  # fewer than 100 answers


def test_the_day_of_an_export_as_every_answers_time_is_noticed(tmp_path: Path) -> None:
    rows = "".join(f"c{number},email,marketing,true,2017-01-02\n" for number in range(120))
    found = _frame(tmp_path, consents=CONSENTS + rows + "c0,email,marketing,true,2016-01-02\n")
    assert found["copied_answer_share"] == 120 / 121
    assert found["stranger_share"] == 1


def test_addresses_that_cannot_be_used_are_counted_without_showing_one(tmp_path: Path) -> None:
    rows = [
        "007,email,a@shop.example,Europe/Berlin,",
        "8,email,b.shop.example,Europe/Atlantis,",
        "9,email,,,",
        "10,email,two words@shop.example,,",
        "11,sms,+49 30 1234,,",
        "12,email,x@localhost,,",
        "13,email,first@shop.example,,2016-01-01",
        "13,email,second@shop.example,,2016-01-01",
    ]
    found = _frame(tmp_path, contacts=ADDRESSES + "\n".join(rows) + "\n")
    assert found["bad_address_share"] == 4 / 8
    assert found["repeated_contacts"] == 1
    assert (found["unknown_zones"], found["zone_example"]) == (1, "timezone Europe/Atlantis")
    assert "shop.example" not in found.to_string()


def test_bounces_that_change_nothing_are_counted(tmp_path: Path) -> None:
    rows = ["007,,email,hard,2016-12-01", ",x@shop.example,email,Soft,2016-12-01", "8,,email,full,2016-12-02"]
    rows += [",,email,hard,2016-12-03", "8,,email,hard,2017-02-01"]
    found = _frame(tmp_path, bounces=BOUNCES + "\n".join(rows) + "\n")
    assert (found["unknown_bounces"], found["odd_bounce_example"]) == (1, "kind full, at 2016-12-02 00:00:00")
    assert (found["nameless_bounces"], found["late_bounces"]) == (1, 1)
