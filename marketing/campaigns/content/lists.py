"""Read the lists of recommended products, and find those that are of another model or of older features.

`python -m ml recommend` writes one Parquet file per slate. Its metadata names the model version and the features.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from core.duckdb_engine import read_parquet
from core.paths import Paths
from features.publication import current_publication
from marketing.campaigns.definition.campaign import Campaign
from marketing.campaigns.errors import CampaignError
from registry.champion_alias import Registry

logger = logging.getLogger(__name__)

Recommend = Callable[[pa.Array, str, int], pa.Table]
"""Returns customer_id, rank and product_id for customers, a slate and a number of products each."""

SPARE = 4
"""Times the wanted products that are asked for, because age-restricted ones are left out."""

WRITE = ".venv/bin/python -m ml recommend --for-campaigns"
"""The command that writes the lists of all campaigns."""

_KEY = b"reach.lists"


@dataclass(frozen=True)
class ListsRecord:
    """The origin of lists.

    Attributes:
        version: the model version.
        features: the name of the published features.
        count: products per customer at most.
    """

    version: str | None
    features: str
    count: int

    @property
    def metadata(self) -> dict[bytes, bytes]:
        """Return the record as metadata of a Parquet schema."""
        return {_KEY: json.dumps(asdict(self)).encode()}


def read_record(file: Path) -> ListsRecord | None:
    """Return the record of a file of lists, or None if it has none.

    Raises:
        CampaignError: the file is missing.
    """
    if not file.exists():
        raise CampaignError(f"The lists {file} are missing. Write them: {WRITE}")
    found = (pq.read_schema(file).metadata or {}).get(_KEY)
    return ListsRecord(**json.loads(found)) if found else None


def present_record(paths: Paths, count: int) -> ListsRecord:
    """Return the record that lists would have if they were written now; the version is None without a champion.

    Raises:
        NotPublishedError: no features are published.
        RegistryError: the champion cannot be read.
    """
    champion = Registry(paths.release).champion()
    return ListsRecord(champion.version if champion else None, current_publication(paths.features).name, count)


def difference(found: ListsRecord, present: ListsRecord) -> str | None:
    """Return in words why lists cannot be used, or None if they can."""
    if found.version != present.version:
        return f"are of the version {found.version}, and the champion is {present.version or 'no version'}"
    if found.features != present.features:
        return f"were made of the features {found.features}, and the published ones are {present.features}"
    if found.count < present.count:
        return f"hold {found.count} products per customer, and {present.count} are needed"
    return None


def wanted_lists(campaigns: Sequence[Campaign]) -> Mapping[str, int]:
    """Return the slates that campaigns show, each with the products per customer that are needed."""
    wanted: dict[str, int] = {}
    for campaign in campaigns:
        slot = campaign.recommendations
        if slot is not None and slot.slate != "trigger":
            wanted[slot.slate] = max(slot.count * SPARE, wanted.get(slot.slate, 0))
    return wanted


def lists_problem(paths: Paths, campaign: Campaign) -> str | None:
    """Return as a sentence why the lists of a campaign have to be written before it is planned; None if they can stay.

    Lists that name no model can stay, because another tool may have written them.

    Raises:
        NotPublishedError: no features are published.
        RegistryError: the champion cannot be read.
    """
    for slate, count in wanted_lists([campaign]).items():
        file = paths.recommendations / f"{slate}.parquet"
        if not file.exists():
            return f"The lists {file.name} are missing."
        found = read_record(file)
        if found is not None and (problem := difference(found, present_record(paths, count))) is not None:
            return f"The lists {file.name} {problem}."
    return None


def published_lists(paths: Paths) -> Recommend:
    """Return a recommender that reads the lists of `paths.recommendations`, one file per slate.

    It raises CampaignError if a file is missing, or of another version or other features than the present ones. A file
    without a record is read, with a warning, because its age is unknown.
    """

    def recommend(customer_ids: pa.Array, slate: str, count: int) -> pa.Table:
        file = paths.recommendations / f"{slate}.parquet"
        found = read_record(file)
        if found is None:
            logger.warning("The lists %s do not name their model, so their age is not checked. Write: %s", file, WRITE)
        elif (problem := difference(found, present_record(paths, count))) is not None:
            raise CampaignError(f"The lists {file} {problem}. Write them again: {WRITE}")
        with duckdb.connect() as connection:
            connection.register("wanted", pa.table({"customer_id": customer_ids}))
            return connection.sql(
                f"SELECT customer_id, rank, product_id FROM {read_parquet(file)} SEMI JOIN wanted USING (customer_id) "
                f"WHERE rank <= {int(count)}"
            ).to_arrow_table()

    return recommend
