"""Import the tables of the admission in use; a second import changes nothing.

The tables hold what the shop delivered. The store also holds what customers did since: a withdrawal by link or by
`POST /consents`. Of both, the newest answer counts.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from outbox.errors import AdmissionError
from outbox.imports.addresses import import_addresses
from outbox.imports.bounces import import_bounces
from outbox.imports.result import Imported, Rows
from outbox.store import Store
from outbox.tables import consents

SOURCE = "landing"
"""Where a customer answered, if the shop does not deliver it."""

ROWS = 5_000
"""Rows of one transaction, so that a sender never waits long for the store."""


def import_admitted(store: Store, admitted: Path) -> Imported:
    """Import consents, addresses and bounces of the admission in use.

    Args:
        store: the opened store.
        admitted: the link to the admission.

    Raises:
        AdmissionError: Nothing is admitted, or a table cannot be read.
        StoreError: The store cannot be written. A further import goes on where this one ended.
    """
    folder, result = admitted.resolve(), Imported()
    try:
        as_of = datetime.fromisoformat(json.loads((folder / "manifest.json").read_text())["as_of_instant"])
        tables = {name: _read(folder / f"{name}.parquet") for name in ("consents", "contacts", "bounces")}
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise AdmissionError(
            f"The admission in {admitted} cannot be read ({type(error).__name__}). Run "
            "`.venv/bin/python -m landing admit` and `.venv/bin/python -m landing accept`, then import again."
        ) from error
    for rows in _batches(tables["consents"]):
        _import_consents(store, rows, result)
    newest_first = [("customer_id", "ascending"), ("channel", "ascending"), ("since", "descending")]
    contacts = tables["contacts"] and tables["contacts"].sort_by(newest_first)
    import_addresses(store, _batches(contacts), as_of, result)
    for rows in _batches(tables["bounces"]):
        import_bounces(store, rows, result)
    return result


def _import_consents(store: Store, rows: Rows, result: Imported) -> None:
    # An admission that is older than the column has no source.
    sourced = [{**row, "source": row.get("source") or SOURCE} for row in rows]
    whole = [row for row in sourced if None not in row.values()]
    result.leave_out("consent_incomplete", len(rows) - len(whole))
    with store.write("people") as connection:
        values = result.without_erased(connection, whole)
        if values:
            result.consents += store.count_written(connection, store.insert_new(consents), values)


def _read(file: Path) -> pa.Table | None:
    """Return a table with channels, purposes and kinds in lower case; None if the admission is older than it."""
    if not file.exists():
        return None
    table = pq.read_table(file)
    for name in {"channel", "purpose", "kind"} & set(table.column_names):
        lower = pc.utf8_lower(pc.utf8_trim_whitespace(table[name]))
        table = table.set_column(table.column_names.index(name), name, lower)
    return table


def _batches(table: pa.Table | None) -> Iterator[Rows]:
    for batch in [] if table is None else table.to_batches(max_chunksize=ROWS):
        yield batch.to_pylist()
