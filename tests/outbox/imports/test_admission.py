"""The newest answer counts whichever side it came from, and importing twice changes nothing."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from outbox.customers.records import Consent, erase, record_consents, suppress
from outbox.errors import AdmissionError
from outbox.history import consents_at, contacts_at, suppressions_at
from outbox.imports.admission import import_admitted
from outbox.imports.result import Imported
from outbox.store import Store
from outbox.tables import HARD_BOUNCE, consents, contacts
from tests.support.outbox.admissions import AS_OF, write_admission

JANUARY, FEBRUARY = datetime(2026, 1, 1), datetime(2026, 2, 1)
LATER = datetime(2100, 1, 1)


def _granted(store: Store) -> dict[str, bool]:
    rows = consents_at(store, LATER).to_pylist()
    return {row["customer_id"]: row["granted"] for row in rows}


def _addresses(store: Store) -> dict[str, Any]:
    with store.read() as connection:
        found = connection.execute(select(contacts.c.customer_id, contacts.c.address, contacts.c.updated_at)).all()
    return {customer_id: (address, updated_at) for customer_id, address, updated_at in found}


def _suppressed(store: Store) -> set[str]:
    return set(suppressions_at(store, LATER)["customer_id"].to_pylist())


def test_a_second_import_changes_nothing(store: Store, tmp_path: Path) -> None:
    folder = write_admission(
        tmp_path / "a",
        consents=[("a", " Email", "Marketing", True, JANUARY), ("a", "email", "marketing", True, JANUARY)],
        contacts=[("a", "EMAIL", "a@shop.example", "Europe/Berlin", None)],
        bounces=[("b", None, "email", "hard", JANUARY)],
    )
    assert import_admitted(store, folder) == Imported(consents=1, addresses=1, hard_bounces=1)
    assert import_admitted(store, folder) == Imported()
    with store.read() as connection:
        found = connection.execute(select(consents.c.channel, consents.c.purpose, consents.c.source)).all()
    assert found == [("email", "marketing", "landing")]
    assert contacts_at(store, AS_OF)["timezone"].to_pylist() == ["Europe/Berlin"]


def test_a_consent_keeps_the_source_that_the_shop_delivers(store: Store, tmp_path: Path) -> None:
    folder = write_admission(tmp_path / "a")
    rows = {"customer_id": ["a", "b"], "channel": "email", "purpose": "marketing", "granted": True, "since": JANUARY}
    table = pa.table({name: value if name == "customer_id" else [value] * 2 for name, value in rows.items()})
    pq.write_table(
        table.append_column("source", pa.array(["checkout", None], pa.string())), folder / "consents.parquet"
    )
    assert import_admitted(store, folder).consents == 2
    with store.read() as connection:
        found = connection.execute(select(consents.c.customer_id, consents.c.source)).all()
    assert sorted(found) == [("a", "checkout"), ("b", "landing")]


@pytest.mark.parametrize(("landed", "holds"), [(JANUARY, False), (FEBRUARY, True)])
def test_the_newest_answer_of_both_sources_counts(store: Store, tmp_path: Path, landed: datetime, holds: bool) -> None:
    withdrawn = JANUARY + timedelta(days=9)
    record_consents(store, [Consent("a", "email", "marketing", False, withdrawn, "unsubscribe")])
    import_admitted(store, write_admission(tmp_path / "a", consents=[("a", "email", "marketing", True, landed)]))
    assert _granted(store) == {"a": holds}


def test_addresses_without_a_time_are_known_from_the_day_of_the_admission(store: Store, tmp_path: Path) -> None:
    rows = [("a", "email", "a@shop.example", None, None), ("b", "email", "b@shop.example", None, JANUARY)]
    import_admitted(store, write_admission(tmp_path / "a", contacts=rows))
    assert _addresses(store) == {"a": ("a@shop.example", AS_OF), "b": ("b@shop.example", JANUARY)}


def test_the_newest_address_is_taken_and_contradicting_ones_are_left_out(store: Store, tmp_path: Path) -> None:
    rows = [
        ("a", "email", "old@shop.example", None, JANUARY),
        ("a", "email", "new@shop.example", None, FEBRUARY),
        ("b", "email", "one@shop.example", None, None),
        ("b", "email", "two@shop.example", None, None),
        ("c", "email", "no address", None, None),
        ("d", "email", None, None, None),
        ("e", "email", "e@shop.example", "Mars/Olympus", None),
        (None, "email", "f@shop.example", None, None),
    ]
    found = import_admitted(store, write_admission(tmp_path / "a", contacts=rows))
    assert {name: address for name, (address, _) in _addresses(store).items()} == {
        "a": "new@shop.example",
        "e": "e@shop.example",
    }
    assert found.left_out == {
        "addresses_contradict": 2,
        "address_unusable": 2,
        "timezone_unknown": 1,
        "contact_incomplete": 1,
    }


def test_a_hard_bounce_holds_until_the_address_changes(store: Store, tmp_path: Path) -> None:
    old, new = [("a", "email", "old@shop.example", None, None)], [("a", "email", "new@shop.example", None, None)]
    bounce = [(None, "OLD@shop.example", "email", "hard", AS_OF + timedelta(days=1))]
    import_admitted(store, write_admission(tmp_path / "1", contacts=old, bounces=bounce))
    assert _suppressed(store) == {"a"}
    moved = [("a", "email", "old@shop.example", "Asia/Tokyo", LATER)]
    import_admitted(store, write_admission(tmp_path / "2", contacts=moved, bounces=bounce))
    assert _suppressed(store) == {"a"}  # the same address, delivered again, ends nothing
    import_admitted(store, write_admission(tmp_path / "3", contacts=new, bounces=bounce))
    assert _suppressed(store) == set()
    again = [(None, "new@shop.example", "email", "hard", datetime(2099, 1, 1))]
    import_admitted(store, write_admission(tmp_path / "4", contacts=new, bounces=again))
    assert _suppressed(store) == {"a"}


def test_a_bounce_of_an_earlier_address_and_a_soft_one_stop_nobody(store: Store, tmp_path: Path) -> None:
    contact = [("a", "email", "new@shop.example", None, None)]
    rows = [
        ("a", "old@shop.example", "email", "hard", LATER),
        (None, "unknown@shop.example", "email", "hard", LATER),
        ("a", None, "email", "soft", LATER),
        ("a", None, "email", "full", LATER),
    ]
    found = import_admitted(store, write_admission(tmp_path / "a", contacts=contact, bounces=rows))
    assert _suppressed(store) == set()
    assert found.left_out == {"bounce_soft": 1, "bounce_unclear": 1, "bounce_of_no_present_address": 2}


def test_an_erased_customer_does_not_come_back(store: Store, tmp_path: Path) -> None:
    folder = write_admission(
        tmp_path / "a",
        consents=[("a", "email", "marketing", True, JANUARY)],
        contacts=[("a", "email", "a@shop.example", None, None)],
    )
    import_admitted(store, folder)
    erase(store, "a")
    assert import_admitted(store, folder) == Imported(left_out={"customer_erased": 2})
    assert (_granted(store), _addresses(store)) == ({}, {})


def test_a_later_bounce_of_a_customer_on_the_list_counts_as_well(store: Store) -> None:
    suppress(store, "a", "email", HARD_BOUNCE, JANUARY)
    suppress(store, "a", "email", HARD_BOUNCE, FEBRUARY)
    suppress(store, "a", "email", HARD_BOUNCE, JANUARY)
    assert suppressions_at(store, LATER)["since"].to_pylist() == [FEBRUARY]


def test_an_admission_from_before_the_tables_has_nothing_to_import(store: Store, tmp_path: Path) -> None:
    folder = write_admission(tmp_path / "a")
    for name in ("consents", "contacts", "bounces"):
        (folder / f"{name}.parquet").unlink()
    assert import_admitted(store, folder) == Imported()


def test_without_an_admission_the_next_step_is_named(store: Store, tmp_path: Path) -> None:
    with pytest.raises(AdmissionError, match="landing admit"):
        import_admitted(store, tmp_path / "admitted")
