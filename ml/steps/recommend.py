"""Write the champion's lists for every customer to a Parquet file, for e-mail campaigns and similar uses."""

import logging
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from core.files.atomic import staging_path
from core.restricted import hidden_patterns
from feature_store.offline_store import entity_rows, historical_table, open_store
from features.publication import current_publication
from features.services import QUERY_SERVICE
from marketing.campaigns.content.lists import ListsRecord
from ml.bundles.champion import deployed_champion
from ml.data.dataset import customers_of
from ml.data.recent_events import with_recent_interest
from ml.errors import RunError
from scoring.bundle import Bundle
from scoring.candidates.sources import SOURCES
from scoring.models.ranker import Slate
from settings import Settings, SettingsError

logger = logging.getLogger(__name__)

CHUNK = 20_000
"""Customers whose features are in memory at a time."""

SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("rank", pa.int16()),
        ("product_id", pa.string()),
        ("score", pa.float32()),
        ("source", pa.string()),
    ]
)


def recommend(settings: Settings, as_of: date, slate: Slate, k: int, out: Path) -> dict[str, Any]:
    """Write `customer_id, rank, product_id, score, source` for every customer with a purchase.

    The lists equal those of the service at the instant of the features, because features, recent events, code and
    age-restricted products are the same.

    Args:
        settings: The settings of the installation.
        as_of: Day of the published features.
        slate: The kind of list.
        k: Products per customer at most.
        out: The Parquet file; it is replaced when it is complete.

    Returns:
        The version, the number of customers and the file.

    Raises:
        RunError: No version is deployed, or the published features are of another day.
    """
    champion = deployed_champion(settings)
    if champion is None:
        raise RunError("No version is deployed, so there are no lists. Run 'make demo' or retrain_recommender first.")
    features = current_publication(settings.paths.features)
    if features.as_of != as_of:
        raise RunError(f"The published features are as of {features.as_of}, not {as_of}. Run build_features first.")
    restricted = hidden_patterns(settings.exclude_restricted, settings.contact_policy, SettingsError)
    events = settings.paths.admitted / "events.parquet"
    store, bundle = open_store(settings), Bundle.open(champion.path).without(restricted)
    schema = SCHEMA.with_metadata(ListsRecord(bundle.version, features.name, k).metadata)
    buyers = entity_rows(store, "customer_history", [features.as_of_instant])
    out.parent.mkdir(parents=True, exist_ok=True)
    staged = staging_path(out)
    names, product_ids = list(SOURCES), bundle.recommender.catalogue.product_ids
    with pq.ParquetWriter(staged, schema) as writer:
        for start in range(0, len(buyers), CHUNK):
            part = buyers.iloc[start : start + CHUNK]
            ids, customers = customers_of(historical_table(store, QUERY_SERVICE, part))
            customers = with_recent_interest(ids, customers, events, features.as_of_instant)
            done = 0
            for _, slates in bundle.recommender.rank_batch(customers, slate, k):
                for ranked in slates:
                    n = len(ranked.positions)
                    writer.write_table(
                        pa.table(
                            {
                                "customer_id": [ids[done]] * n,
                                "rank": range(1, n + 1),
                                "product_id": [product_ids[position] for position in ranked.positions],
                                "score": ranked.scores,
                                "source": [names[source] for source in ranked.sources],
                            },
                            schema=schema,
                        )
                    )
                    done += 1
            logger.info(f"{start + done:,} of {len(buyers):,} customers")
    staged.replace(out)
    return {"version": bundle.version, "customers": len(buyers), "out": str(out)}
