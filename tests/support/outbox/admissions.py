"""An admission with the three tables that the outbox imports, and nothing else."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

AS_OF = datetime(2026, 3, 1, 5)

TEXT, TIME = pa.string(), pa.timestamp("us")
SCHEMAS = {
    "consents": {"customer_id": TEXT, "channel": TEXT, "purpose": TEXT, "granted": pa.bool_(), "since": TIME},
    "contacts": {"customer_id": TEXT, "channel": TEXT, "address": TEXT, "timezone": TEXT, "since": TIME},
    "bounces": {"customer_id": TEXT, "address": TEXT, "channel": TEXT, "kind": TEXT, "bounced_at": TIME},
}


def write_admission(folder: Path, **tables: Sequence[tuple[Any, ...]]) -> Path:
    """Write rows of the three tables, in the contract's order of columns; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps({"as_of_instant": AS_OF.isoformat()}))
    for name, fields in SCHEMAS.items():
        rows = [dict(zip(fields, row, strict=True)) for row in tables.get(name, ())]
        pq.write_table(pa.Table.from_pylist(rows, pa.schema([*fields.items()])), folder / f"{name}.parquet")
    return folder
