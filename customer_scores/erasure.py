"""Erase customers from the published scores and from the history of their segments.

The current publication is written again without them, and the link moves to it. Earlier publications and the staged
scores are deleted, because they may hold the customers. A customer who is still in the landing comes back with the next
scores, so the landing comes first.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.clock import utc_now
from core.files.atomic import discard_folder, empty_folder, link_or_copy, move_link, remove_leftovers, staging_path
from core.files.hashes import file_sha256
from core.files.lock import exclusive_lock
from core.files.publication import RECORD
from customer_scores.audience_files import BUYERS, CUSTOMERS, ITEMS, erase_from_audiences
from customer_scores.profiles import write_profiles
from customer_scores.publication import PROFILES, current_publication, publications
from customer_scores.publish import content_of, finish
from settings import Settings

ID = "customer_id"


@dataclass(frozen=True)
class Erased:
    """The outcome.

    Attributes:
        publication: the name of the publication without the customers.
        customers: how many of the given ones were in any table.
        unknown: how many were in none.
        rows: erased rows by file; a file without any is not named.
        deleted: how many earlier publications were deleted.
    """

    publication: str
    customers: int
    unknown: int
    rows: dict[str, int]
    deleted: int


def erase(settings: Settings, customer_ids: Collection[str]) -> Erased:
    """Erase customers, in one step that a killed process does not leave half done.

    Raises:
        ScoresNotPublishedError: nothing is published.
    """
    link = settings.paths.customers
    with exclusive_lock(link.parent):
        remove_leftovers(link.parent)
        current = current_publication(link)
        folder = link.resolve()
        wanted = pa.array(sorted(set(customer_ids)), pa.string())
        gathered = empty_folder(staging_path(link.parent / f"{current.as_of}-erased"))
        found: set[str] = set()
        rows: dict[str, int] = {}
        for file in sorted(folder.glob("*")):
            if file.name in (RECORD, PROFILES, ITEMS, BUYERS):
                continue
            if file.suffix != ".parquet" or ID not in pq.read_schema(file).names:
                link_or_copy(file, gathered / file.name)
                continue
            table = pq.read_table(file)
            gone = pc.is_in(table[ID], wanted)
            found |= set(pc.unique(table[ID].filter(gone)).to_pylist())
            if file.name == CUSTOMERS:
                erase_from_audiences(folder, gathered, table, gone)
            elif pc.any(gone).as_py():
                pq.write_table(table.filter(pc.invert(gone)), gathered / file.name, compression="zstd")
            else:
                link_or_copy(file, gathered / file.name)
            if count := pc.sum(gone).as_py():
                rows[file.name] = count
        name = current.name
        if found:
            parts = {
                part_name: replace(
                    part,
                    rows={file: pq.read_metadata(gathered / file).num_rows for file in part.rows},
                    files={file: file_sha256(gathered / file) for file in part.files},
                )
                for part_name, part in current.parts.items()
            }
            write_profiles(gathered, parts)
            content = content_of(gathered, parts)
            name = f"{current.as_of}-{content[:12]}"
            if (link.parent / name).exists():  # a killed run made it already
                discard_folder(gathered)
            else:
                erased = replace(current, name=name, content=content, parts=parts, published_at=utc_now())
                finish(gathered, link.parent / name, erased)
            move_link(link, Path(name))
        else:
            discard_folder(gathered)
        earlier = [publication.name for publication in publications(link.parent) if publication.name != name]
        for each in earlier:
            discard_folder(link.parent / each)
        if settings.paths.staged_customers.exists():
            discard_folder(settings.paths.staged_customers)
    return Erased(name, len(found), len(wanted) - len(found), rows, len(earlier))
