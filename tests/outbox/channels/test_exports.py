"""An export is whole or not there, and its messages are in doubt in neither case."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from core.files.atomic import staging_path
from core.files.hashes import file_sha256
from outbox.channels import exports
from outbox.channels.exports import Exporter
from outbox.customers.unsubscribe import UnsubscribeLinks
from outbox.plan import MESSAGE_ID, UNSUBSCRIBE_URL, Content
from outbox.planning import enqueue
from outbox.sending import claims
from outbox.sending.claims import Claims
from outbox.sending.recovery import owners, recover
from outbox.store import Store
from outbox.switches import pause
from tests.support.outbox.plans import MESSAGE, NOON, a_plan, at, planned, reachable
from tests.support.outbox.rows import states

LINKS = UnsubscribeLinks("https://shop.example/u", "k" * 32)
FILE = replace(MESSAGE, delivery="export", content=Content("=Hello, you", f'"Grüße" {MESSAGE_ID}\n{UNSUBSCRIBE_URL}'))


@pytest.fixture
def exporter(store: Store, tmp_path: Path) -> Exporter:
    return Exporter(store, Claims(store, "exporter"), tmp_path / "exports", LINKS)


def ready(store: Store, *without_consent: str) -> None:
    reachable(store, "a", "b")
    given = [planned(c, FILE, product_ids=("1", "2"), coupon_id="9", segment="s") for c in ("a", "b", *without_consent)]
    enqueue(store, a_plan(given))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_holds_one_row_a_customer_and_a_hash(store: Store, exporter: Exporter, kind) -> None:
    ready(store, "no-consent")

    found = exporter.export("c1", "email", kind, at(NOON))

    assert found is not None
    read = pa_csv.read_csv if kind == "csv" else pq.read_table
    options = {"parse_options": pa_csv.ParseOptions(newlines_in_values=True)} if kind == "csv" else {}
    rows = read(found.file, **options).sort_by("customer_id").to_pylist()
    assert [row["customer_id"] for row in rows] == ["a", "b"]
    assert (rows[0]["address"], rows[0]["product_ids"], str(rows[0]["coupon_id"])) == ("a@shop.example", "1 2", "9")
    assert rows[0]["unsubscribe_url"] in rows[0]["body_text"]
    assert rows[0]["body_text"].startswith(f'"Grüße" {rows[0]["message_id"]}\n')
    assert found.rows == 2
    sums = found.file.with_name(f"{found.file.name}.sha256").read_text()
    assert sums == f"{found.sha256}  {found.file.name}\n"
    assert found.sha256 == file_sha256(found.file)
    assert states(store) == {"a": ("exported", ""), "b": ("exported", ""), "no-consent": ("suppressed", "no_consent")}
    assert exporter.export("c1", "email", kind, at(NOON)) is None
    assert found.file.stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_written_leaves_its_messages_waiting(
    store: Store, exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(store)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched, pytest.raises(OSError, match="No space"):
        patched.setattr(exports, "sync", full)
        exporter.export("c1", "email", "csv", at(NOON))
    assert set(states(store).values()) == {("planned", "export_interrupted")}
    assert exporter.export("c1", "email", "csv", at(NOON)) is not None


@pytest.mark.parametrize(("published", "state"), [(True, "exported"), (False, "planned")])
def test_after_a_kill_the_file_itself_shows_whether_it_was_published(
    store: Store, exporter: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, published: bool, state: str
) -> None:
    ready(store)

    def killed(self: Exporter, file: Path, *asked: Any) -> None:
        assert self._claims.claim_export(asked[0], asked[1], file.name, asked[-1])
        (file if published else staging_path(file)).touch()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Exporter, "_write", killed)
        exporter.export("c1", "email", "csv", at(NOON))
    assert {found for found, _ in states(store).values()} == {"sending"}

    recover(store, ["exporter"], NOON, resend_in_doubt=False)  # a sender's own recovery leaves files alone
    assert {found for found, _ in states(store).values()} == {"sending"}
    Exporter(store, Claims(store, "later"), tmp_path / "exports", LINKS).recover(owners(store, "later"))
    assert not list((tmp_path / "exports").glob(".*staging"))

    assert {found for found, _ in states(store).values()} == {state}


def test_a_long_file_is_written_in_parts(store: Store, exporter: Exporter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "EXPORT_CHUNK", 2)
    reachable(store, *"abcde")
    enqueue(store, a_plan([planned(c, FILE) for c in ("no1", "no2", *"abcde", "no3")]))
    found = exporter.export("c1", "email", "parquet", at(NOON))
    assert found is not None
    assert found.rows == 5
    assert sorted(pq.read_table(found.file)["customer_id"].to_pylist()) == list("abcde")


def test_quiet_hours_are_a_matter_of_the_tool_that_reads_the_file(store: Store, exporter: Exporter) -> None:
    ready(store)
    found = exporter.export("c1", "email", "csv", at(NOON.replace(hour=23)))
    assert found is not None
    assert found.rows == 2


def test_a_pause_stops_exports(store: Store, exporter: Exporter) -> None:
    ready(store)
    pause(store, "wrong price")
    assert exporter.export("c1", "email", "csv", at(NOON)) is None
    assert {found for found, _ in states(store).values()} == {"planned"}


def test_a_sender_leaves_exports_alone(store: Store) -> None:
    ready(store)
    Claims(store, "s").claim(["smtp", "webhook"], at(NOON))
    assert {found for found, _ in states(store).values()} == {"planned"}
