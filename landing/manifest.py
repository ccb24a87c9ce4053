"""What an admission says about itself, and when an earlier one can be used again."""

import hashlib
import json
from datetime import date, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from core.file_hashes import file_sha256
from landing.contract import TABLES
from landing.findings import Finding

MANIFEST = "manifest.json"
_RULES = 7  # raise it when the rules of admission change, so that earlier admissions are not used again


class TableSummary(BaseModel):
    """One admitted table: rows admitted, rows left out as not yet known, and the file's hash."""

    model_config = ConfigDict(frozen=True)

    rows: int
    not_yet_known: int
    sha256: str


class Inputs(BaseModel):
    """What an admission is made from, besides its day: equal inputs give equal admitted tables.

    `files` holds the files of each table: name, size in bytes, SHA-256. `unread` names what belongs to no table.
    Where the landing's folder lies does not matter.

    Manifests of earlier versions can be read, but equal no inputs of today: in `files` they have the modification time
    in place of the hash, and `earliest_day` is None, which means "not recorded".
    """

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)

    files: dict[str, list[tuple[str, int, str]]]
    unread: tuple[str, ...] = ()
    timezone: str
    earliest_day: date | None = None
    max_customers: int | None


class Manifest(BaseModel):
    """Instants are naive UTC. `landing` is the folder that was read. `newest_as_of` is the day after the landing's
    newest transaction, which a later admission without a day of its own takes;
    `first_transaction_at` is the landing's oldest.

    `receipts_until`, `events_from` and `collected_at` say which purchase events the admitted tables hold
    (core/held.py). None: an admission of an earlier version, which does not say.

    `findings`: what was left out or is noteworthy, as it was logged.
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
        return {name: table.rows for name, table in self.tables.items()}


def admission_name(as_of: date, inputs: Inputs) -> str:
    """A folder name that tells day and inputs, and the rules they were admitted by."""
    facts = json.dumps([_RULES, repr(TABLES), inputs.model_dump(mode="json")], sort_keys=True)
    return f"{as_of}-{hashlib.sha256(facts.encode()).hexdigest()[:12]}"


def read_manifest(folder: Path) -> Manifest | None:
    """The folder's manifest; None if there is none that can be read."""
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError):
        return None


def is_whole(folder: Path, manifest: Manifest) -> bool:
    """Whether every table lies in the folder as it was admitted."""
    return all(
        (folder / f"{name}.parquet").is_file() and file_sha256(folder / f"{name}.parquet") == table.sha256
        for name, table in manifest.tables.items()
    )
