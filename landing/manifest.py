"""Describe an admission in its manifest, and find an earlier admission that can be reused."""

import hashlib
import json
from datetime import date, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from core.files.hashes import file_sha256
from landing.contract import TABLES
from landing.findings import Finding

MANIFEST = "manifest.json"
_RULES = 7  # raise it when the rules of admission change, so that earlier admissions are not reused


class TableSummary(BaseModel):
    """One admitted table: rows admitted, rows left out as not yet known, and the file's hash."""

    model_config = ConfigDict(frozen=True)

    rows: int
    not_yet_known: int
    sha256: str


class Inputs(BaseModel):
    """The inputs of an admission, besides its day: equal inputs give equal admitted tables.

    The path of the landing's folder does not matter. Manifests of earlier versions can be read, but never equal present
    inputs: in `files` they have the modification time instead of the hash, and `earliest_day` is None, which means "not
    recorded".

    Attributes:
        files: The files of each table: name, size in bytes, SHA-256.
        unread: Names of files that belong to no table.
        timezone: The shop's time zone.
        earliest_day: Dates before it are refused.
        max_customers: The limit on customers, or None.
    """

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)

    files: dict[str, list[tuple[str, int, str]]]
    unread: tuple[str, ...] = ()
    timezone: str
    earliest_day: date | None = None
    max_customers: int | None


class Manifest(BaseModel):
    """The record of one admission; instants are naive UTC.

    `receipts_until`, `events_from` and `collected_at` bound the purchase events that the admitted tables hold
    (core/held.py). They are None in admissions of earlier versions.

    Attributes:
        landing: The folder that was read.
        newest_as_of: The day after the landing's newest transaction; a later admission without a day takes it.
        first_transaction_at: The landing's oldest transaction.
        findings: Rows, values and files that were left out or are noteworthy, as they were logged.
    """

    model_config = ConfigDict(frozen=True)

    landing: str = ""
    as_of: date
    as_of_instant: datetime
    newest_as_of: date
    first_transaction_at: datetime
    receipts_until: datetime | None = None
    events_from: datetime | None = None
    collected_at: datetime | None = None
    inputs: Inputs
    tables: dict[str, TableSummary]
    findings: tuple[Finding, ...] = ()

    @property
    def rows(self) -> dict[str, int]:
        """The admitted rows of each table."""
        return {name: table.rows for name, table in self.tables.items()}


def admission_name(as_of: date, inputs: Inputs) -> str:
    """Return a folder name that identifies the day, the inputs and the rules of admission."""
    facts = json.dumps([_RULES, repr(TABLES), inputs.model_dump(mode="json")], sort_keys=True)
    return f"{as_of}-{hashlib.sha256(facts.encode()).hexdigest()[:12]}"


def read_manifest(folder: Path) -> Manifest | None:
    """Return the folder's manifest; None if it is missing or cannot be read."""
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError):
        return None


def is_whole(folder: Path, manifest: Manifest) -> bool:
    """Return whether the folder holds every table unchanged since its admission."""
    return all(
        (folder / f"{name}.parquet").is_file() and file_sha256(folder / f"{name}.parquet") == table.sha256
        for name, table in manifest.tables.items()
    )
