"""Lists for every customer from the champion, as a Parquet file, for e-mail campaigns and the like."""

import logging
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from core.atomic_files import staging_path
from feature_store.offline_store import QUERY_SERVICE, entity_rows, historical_table, open_store
from features.publication import current_publication
from ml.bundles.champion import deployed_champion
from ml.data.dataset import customers_of
from ml.errors import RunError
from scoring.bundle import Bundle
from scoring.candidates.sources import SOURCES
from scoring.models.ranker import Slate
from settings import Settings

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
    """Write `customer_id, rank, product_id, score, source` of everybody who ever bought, a block at a time.

    The same features and code answer here and in the service, so the lists are the same.
    """
    champion = deployed_champion(settings)
    if champion is None:
        raise RunError("No version is deployed, so nobody can recommend. Run 'make demo' or retrain_recommender first.")
    features = current_publication(settings.paths.features)
    if features.as_of != as_of:
        raise RunError(f"The published features are as of {features.as_of}, not {as_of}. Run build_features first.")
    store, bundle = open_store(settings), Bundle.open(champion.path)
    everybody = entity_rows(store, "customer_history", [features.as_of_instant])
    out.parent.mkdir(parents=True, exist_ok=True)
    staged = staging_path(out)
    names, product_ids = list(SOURCES), bundle.recommender.catalogue.product_ids
    with pq.ParquetWriter(staged, SCHEMA) as writer:
        for start in range(0, len(everybody), CHUNK):
            part = everybody.iloc[start : start + CHUNK]
            ids, customers = customers_of(historical_table(store, QUERY_SERVICE, part))
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
                            schema=SCHEMA,
                        )
                    )
                    done += 1
            logger.info(f"{start + done:,} of {len(everybody):,} customers")
    staged.replace(out)
    return {"version": bundle.version, "customers": len(everybody), "out": str(out)}
