"""A profile as the online store returns it, read from the published tables."""

from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from customer_scores.publication import PROFILES, current_publication


def published_profile(link: Path, customer_id: str) -> dict[str, Any] | None:
    """The values of one customer as `view__feature`; None for a customer without a row."""
    profile: dict[str, Any] = {}
    for file in sorted((link / PROFILES).glob("*.parquet")):
        table = pq.read_table(file)
        for row in table.filter(pc.equal(table["customer_id"], customer_id)).to_pylist():
            profile |= {f"{file.stem}__{name}": value for name, value in row.items() if not name.endswith("_timestamp")}
            profile[f"{file.stem}__as_of"] = row["event_timestamp"]
            del profile[f"{file.stem}__customer_id"]
    return profile | {"publication": current_publication(link)} if profile else None
