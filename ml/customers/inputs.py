"""Read the published feature tables up to one instant, for every part of the customer model."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from core.duckdb_engine import connect, quote_identifier, quote_literal, read_parquet
from ml.errors import NotEnoughDataError

CLOCK_CHANGE = timedelta(hours=2)
"""Two snapshots of the same weekday can be an hour further apart or closer, because a day begins at local midnight."""

UNDATED = "feat_product_content"
"""The table without an event time: what the catalogue contains holds at any instant."""


@dataclass(frozen=True)
class Inputs:
    """The tables of one publication, as they could be read at `now`.

    A part that fits a model as of an earlier snapshot reads `inputs.before(weeks)`, so that no row of a later snapshot
    is within its reach.

    Attributes:
        features: the publication's folder.
        instants: its snapshots until `now`, naive UTC, newest first.
        seed: decides everything random.
        memory: DuckDB's memory limit.
        scratch: where DuckDB keeps what does not fit into memory; None: next to the publication.
        purposes: kinds of sensitive inference for which the shop has named a purpose (`marketing/policy.toml`); None
            leaves it to what a part was fitted for, and fits none.
    """

    features: Path
    instants: Sequence[datetime]
    seed: int
    memory: str = "20%"
    scratch: Path | None = None
    purposes: frozenset[str] | None = None

    @property
    def now(self) -> datetime:
        """Return the newest snapshot, whose outcomes are not known yet."""
        return self.instants[0]

    def snapshot(self, weeks: int) -> datetime:
        """Return the snapshot that lies a number of weeks before `now`.

        Raises:
            NotEnoughDataError: the tables hold none.
        """
        wanted = self.now - timedelta(weeks=weeks)
        for instant in self.instants:
            if abs(instant - wanted) <= CLOCK_CHANGE:
                return instant
        raise NotEnoughDataError(
            f"No snapshot is {weeks} weeks before {self.now:%Y-%m-%d}; the feature tables reach back to "
            f"{self.instants[-1]:%Y-%m-%d}. Raise REACH_SNAPSHOTS, set REACH_SNAPSHOT_WEEKS to 1, 2 or 4, or bring "
            "more weeks."
        )

    def before(self, weeks: int) -> "Inputs":
        """Return the inputs as they were a number of weeks before `now`."""
        until = self.snapshot(weeks)
        return replace(self, instants=[instant for instant in self.instants if instant <= until])

    def has(self, table: str) -> bool:
        """Return whether the publication contains a table."""
        return (self.features / f"{table}.parquet").exists()

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open DuckDB with one view per feature table, without the rows after `now`."""
        with TemporaryDirectory(prefix=".spill.", dir=self.scratch or self.features.parent) as spill:
            connection = connect(Path(spill), self.memory)
            try:
                for file in sorted(self.features.glob("*.parquet")):
                    rows = f"SELECT * FROM {read_parquet(file)}"
                    if file.stem != UNDATED:
                        rows += f" WHERE event_timestamp <= TIMESTAMP {quote_literal(self.now)}"
                    connection.execute(f"CREATE VIEW {quote_identifier(file.stem)} AS {rows}")
                yield connection
            finally:
                connection.close()
