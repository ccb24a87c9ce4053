"""Publish messages for another tool as one CSV or Parquet file per campaign and channel.

The file is written under a hidden name, hashed, and published by one rename. Its name is stored in the messages before,
so after a kill a later run sees whether the file was published, and nothing is in doubt.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from sqlalchemy import and_, select, update

from core.clock import utc_now
from core.files.atomic import replace_file, staging_path, sync
from core.files.hashes import file_sha256
from outbox.channels.channel import personal
from outbox.customers.unsubscribe import UnsubscribeLinks
from outbox.sending.claims import Claimed, Claims
from outbox.store import Store
from outbox.tables import messages

Format = Literal["csv", "parquet"]

INTERRUPTED = "export_interrupted"

_COLUMNS = (
    *("message_id", "customer_id", "address", "channel", "campaign_id", "variant", "segment", "coupon_id"),
    *("product_ids", "subject", "body_text", "body_html", "unsubscribe_url"),
)
_SCHEMA = pa.schema([(name, pa.string()) for name in _COLUMNS])


@dataclass(frozen=True)
class Export:
    """A published file.

    Attributes:
        file: the file; next to it lies `<file>.sha256`.
        rows: one per customer.
        sha256: of the file's bytes.
    """

    file: Path
    rows: int
    sha256: str


class Exporter:
    """Writes exports into one folder; the caller holds the sender's lock.

    Args:
        store: the store.
        claims: the transactions of this sender.
        folder: where the files go.
        links: makes unsubscribe addresses; None leaves the column empty.
    """

    def __init__(self, store: Store, claims: Claims, folder: Path, links: UnsubscribeLinks | None):
        self._store = store
        self._claims = claims
        self._folder = folder
        self._links = links

    def export(
        self, campaign_id: str, channel: str, kind: Format, clock: Callable[[], datetime] = utc_now
    ) -> Export | None:
        """Publish the messages of a campaign and channel that may leave now; None if there is none.

        Raises:
            StoreError: The store cannot be used.
            OSError: The file cannot be written; its messages wait for the next run.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{_as_file_name(campaign_id)}-{_as_file_name(channel)}-{clock():%Y%m%dT%H%M%S}-{uuid4().hex[:8]}.{kind}"
        file = self._folder / name
        try:
            found = self._write(file, campaign_id, channel, kind, clock)
        except OSError:
            self._finish(name, is_published=False)
            raise
        if found is not None:
            self._finish(name, is_published=True)
        return found

    def recover(self, dead: Sequence[str]) -> None:
        """Settle the exports of senders that have died: published files stand, the others are made again.

        Raises:
            StoreError: The store cannot be used.
        """
        query = select(messages.c.detail).where(
            messages.c.state == "sending", messages.c.delivery == "export", messages.c.owner.in_(dead)
        )
        with self._store.read() as connection:
            names = connection.execute(query.distinct()).scalars().all()
        for name in names:
            file = self._folder / name
            staging_path(file).unlink(missing_ok=True)
            self._finish(name, is_published=file.exists())

    def _write(
        self, file: Path, campaign_id: str, channel: str, kind: Format, clock: Callable[[], datetime]
    ) -> Export | None:
        staged = staging_path(file)
        staged.touch(mode=0o600)
        rows = 0
        open_writer = pa_csv.CSVWriter if kind == "csv" else pq.ParquetWriter
        with open_writer(staged, _SCHEMA) as writer:
            while (claimed := self._claims.claim_export(campaign_id, channel, file.name, clock)) is not None:
                writer.write_table(pa.Table.from_pylist(self._rows(claimed), schema=_SCHEMA))
                rows += len(claimed)
        if not rows:
            staged.unlink()
            return None
        sync(staged)
        digest = file_sha256(staged)
        replace_file(file.with_name(f"{file.name}.sha256"), f"{digest}  {file.name}\n")
        replace_file(file.with_name(f"{file.name}.json"), json.dumps({"rows": rows, "sha256": digest}) + "\n")
        staged.replace(file)
        sync(self._folder)
        return Export(file, rows, digest)

    def _rows(self, claimed: Sequence[Claimed]) -> list[dict[str, Any]]:
        found = []
        for one in claimed:
            url = self._links.of(one.message_id) if self._links and one.needs_consent else None
            texts = {
                "body_text": personal(one.body_text, one.message_id, url),
                "body_html": None if one.body_html is None else personal(one.body_html, one.message_id, url),
            }
            row = {name: one.row.get(name) for name in _COLUMNS}
            products = " ".join(one.row["product_ids"])
            own = {"address": one.address, "subject": one.subject, "unsubscribe_url": url, "product_ids": products}
            found.append({**row, **own, **texts})
        return found

    def _finish(self, name: str, is_published: bool) -> None:
        if is_published:
            changes: dict[str, Any] = {"state": "exported", "reason": "", "settled_at": utc_now()}
        else:
            freed = dict.fromkeys(("owner", "sending_at", "local_day", "day_slot", "cap_per_day"))
            changes = {"state": "planned", "reason": INTERRUPTED, "detail": "", **freed}
        of_file = and_(messages.c.state == "sending", messages.c.delivery == "export", messages.c.detail == name)
        with self._store.write("send") as connection:
            connection.execute(update(messages).where(of_file).values(changes))


def _as_file_name(text: str) -> str:
    return "".join(character if character.isalnum() or character in "-_" else "_" for character in text)
