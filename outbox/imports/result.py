"""Count what an import changed and left out, and keep erased customers out of it."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from outbox.customers.records import ERASED
from outbox.tables import suppressions

Rows = list[dict[str, Any]]


@dataclass
class Imported:
    """The changes of one import in the store, and the rows that it left out.

    Attributes:
        consents: answers that are new.
        addresses: addresses that are new or changed, or whose time zone changed.
        hard_bounces: customers put on the suppression list by a bounce.
        left_out: rows by reason.
    """

    consents: int = 0
    addresses: int = 0
    hard_bounces: int = 0
    left_out: dict[str, int] = field(default_factory=dict)

    def leave_out(self, reason: str, rows: int = 1) -> None:
        """Count rows that were not imported."""
        if rows:
            self.left_out[reason] = self.left_out.get(reason, 0) + rows

    def without_erased(self, connection: Connection, rows: Rows) -> Rows:
        """Return the rows of customers who were not erased: what was erased does not come back."""
        query = select(suppressions.c.customer_id).where(suppressions.c.reason == ERASED)
        erased = set(connection.execute(query).scalars())
        kept = [row for row in rows if row["customer_id"] not in erased]
        self.leave_out("customer_erased", len(rows) - len(kept))
        return kept
