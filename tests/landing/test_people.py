"""Consents, addresses and bounces are admitted, and no message about them repeats one of their values."""

from pathlib import Path

import pytest

from landing.errors import ContractError, LandingError
from tests.support.landing.shop import admit_shop, admitted, write_shop

CONSENTS = "customer_id,channel,purpose,granted,since\n"
CONTACTS = "customer_id,channel,address,timezone,since\n"
BOUNCES = "customer_id,address,channel,kind,bounced_at\n"
SECRET = "anna.secret@shop.example"


def test_answers_of_every_day_are_admitted_because_the_plan_uses_them_by_their_own_time(tmp_path: Path) -> None:
    landing = write_shop(
        tmp_path / "in",
        consents=CONSENTS
        + "007,email,marketing,true,2016-05-01\n007,email,marketing,FALSE,2017-01-03T01:00:00+01:00\n",
    )
    admit_shop(tmp_path, landing, "2017-01-02")
    found = admitted(tmp_path, "consents", "customer_id, granted, CAST(since AS VARCHAR)")
    assert found == [("007", False, "2017-01-03 00:00:00"), ("007", True, "2016-05-01 00:00:00")]


@pytest.mark.parametrize("table", ["contacts", "bounces"])
def test_only_the_owner_reads_a_file_with_addresses(tmp_path: Path, table: str) -> None:
    rows = {"contacts": f"007,email,{SECRET},,\n", "bounces": f",{SECRET},email,hard,2017-01-01\n"}
    landing = write_shop(tmp_path / "in", contacts=CONTACTS + rows["contacts"], bounces=BOUNCES + rows["bounces"])
    _, _, said = admit_shop(tmp_path, landing)
    assert admitted(tmp_path, table, "address") == [(SECRET,)]
    file = tmp_path / "data" / "admitted" / f"{table}.parquet"
    assert file.stat().st_mode & 0o077 == 0
    assert SECRET not in "".join(said)
    assert SECRET not in file.with_name("manifest.json").read_text()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param(f"{CONTACTS}007,email,Berlin,,{SECRET}\n", "'since' holds a value", id="columns shifted"),
        pytest.param(f"007,email,{SECRET},,\n8,email,b@shop.example,,\n", "contacts.csv", id="no header"),
        pytest.param(f"{CONTACTS}007,email,{SECRET}\n", "has 3 fields", id="fields missing"),
        pytest.param(f'{CONTACTS}007,email,"{SECRET},,\n', "quote", id="a quote left open"),
    ],
)
def test_a_refused_file_of_addresses_is_named_without_its_values(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(LandingError) as caught:
        admit_shop(tmp_path, write_shop(tmp_path / "in", contacts=text))
    assert named in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_answer_is_true_or_false(tmp_path: Path) -> None:
    landing = write_shop(tmp_path / "in", consents=CONSENTS + "007,email,marketing,maybe,2016-05-01\n")
    with pytest.raises(ContractError, match="'granted' holds 'maybe'; expected true or false"):
        admit_shop(tmp_path, landing)
