"""Build the training set by Feast's point-in-time join: features at every snapshot, labels one horizon later."""

import logging
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from feast import FeatureStore

from feature_store.offline_store import entity_rows, historical_table, open_store
from feature_store.online.reader import OnlineFeatureReader
from feature_store.trainable_customers import count_trainable_customers
from features.errors import OnlineStoreUnavailableError
from features.publication import current_publication
from features.services import CANDIDATE_SERVICE, LABEL_SERVICE, QUERY_SERVICE
from ml.config import Config
from ml.data.dataset import Dataset
from ml.data.online_offline_parity import online_agreement
from ml.data.splits import Supply, label_instant, label_instants, split, untrained
from ml.errors import NotEnoughDataError, RunError
from ml.gate.policy import load_policy
from ml.runs.artifacts import DATASET, PARITY
from ml.runs.not_enough_data import clear_not_enough_data, not_enough_data, record_not_enough_data
from ml.runs.run import Run
from ml.runs.spec import RunSpec
from scoring.schema import PROMOTION_PLAN_FEATURES
from settings import Settings

logger = logging.getLogger(__name__)

ROW_GROUP_SIZE = 20_000
"""Rows of a row group of the training set, at most."""


def build_dataset(
    settings: Settings, config: Config, run: Run, as_of: date, reason: str, shift_weeks: int
) -> dict[str, Any]:
    """Write `dataset/` and `run_spec.json`.

    If there is too little data to train or evaluate, the dataset has only what the baseline needs, and
    `not_enough_data.json` has the reason for the other steps.

    Args:
        settings: The settings of the installation.
        config: The configuration of the run.
        run: The run's folder.
        as_of: Day of the published features.
        reason: Why the run was started.
        shift_weeks: Weeks by which the evaluation window moves back; 4 is the validation window.

    Returns:
        Run, day, and the evaluated snapshot or the reason why there is none.

    Raises:
        RunError: The published features are of another day, or there are no purchases.
    """
    features = current_publication(settings.paths.features)
    if features.as_of != as_of:
        raise RunError(
            f"The published features are as of {features.as_of}, not {as_of}. Run build_features for {as_of} first."
        )
    store = open_store(settings)
    instants = settings.snapshot_instants(as_of)
    clear_not_enough_data(run)
    try:
        cuts = split(instants, config.training_windows, shift_weeks, _supply(store, instants, config))
    except NotEnoughDataError as error:
        record_not_enough_data(run, "build-dataset", str(error))
        logger.info(f"Nothing is trained: the baseline serves unless a trained version does. {error}")
        cuts = untrained(instants, config.training_windows)
    trained = not_enough_data(run) is None
    featured = cuts.featured if trained else [cuts.now]
    labelled = [cuts.evaluation, *cuts.ranker, *cuts.retrieval] if trained else []
    snapshot_of = {label_instant(cut, instants, config.training_windows): cut for cut in labelled}

    questions = {
        "customers": (QUERY_SERVICE, entity_rows(store, "customer_history", featured)),
        "products": (CANDIDATE_SERVICE, entity_rows(store, "product_activity", featured)),
    }
    if trained:
        questions["labels"] = (LABEL_SERVICE, entity_rows(store, "customer_purchases", list(snapshot_of)))
    with run.publish_folder(DATASET) as folder:
        for name, (service, entities) in questions.items():
            if entities.empty:
                raise RunError(f"There are no {name} before {as_of}. Run build_features on data with purchases.")
            table = historical_table(store, service, entities)
            if name == "products" and not config.promotions_known_in_advance:
                table = drop_promotion_plans(table)
            if name == "labels":
                table = table.rename_columns({"customer_purchases__product_ids": "product_ids"})
                table = shift_labels_to_snapshot(table, snapshot_of)
            names = {"event_timestamp": "snapshot"}
            table = table.rename_columns([names.get(column, column) for column in table.column_names])
            write_by_snapshot(table, folder / f"{name}.parquet")
            logger.info(f"{name}: {len(table):,} rows through {service}")
    run.write_json(PARITY, {"agreement": _online(settings, Dataset(run.path(DATASET)), cuts.now)})
    RunSpec(run.run_id, as_of, settings.seed, reason, features.name, config, cuts).write(run)
    summary = {"run_id": run.run_id, "as_of": as_of.isoformat()}
    return summary | ({"judged": cuts.evaluation.isoformat()} if trained else {"not_enough_data": not_enough_data(run)})


def _supply(store: FeatureStore, instants: list[datetime], config: Config) -> Supply:
    found = count_trainable_customers(store, label_instants(instants, config.training_windows), instants[0])
    return Supply(found.counts, found.first_purchase_at, load_policy().min_customers)


def _online(settings: Settings, data: Dataset, now: datetime) -> float | None:
    """Return the share of sampled customers with equal online and offline features; None if they cannot be compared."""
    try:
        return online_agreement(OnlineFeatureReader(settings).read, *data.customers(now), now)
    except OnlineStoreUnavailableError as error:
        logger.info(f"Online features are not compared: {error}")
        return None


def write_by_snapshot(table: pa.Table, path: Path) -> None:
    """Write a table ordered by snapshot, with row groups of its own for each one.

    Every later step reads one snapshot at a time. A row group with rows of several would be decompressed for each.
    """
    table = table.sort_by("snapshot")
    ends = pc.run_end_encode(table["snapshot"].combine_chunks()).run_ends.to_pylist()
    with pq.ParquetWriter(path, table.schema) as writer:
        for start, end in pairwise([0, *ends]):
            writer.write_table(table.slice(start, end - start), row_group_size=ROW_GROUP_SIZE)


def shift_labels_to_snapshot(labels: pa.Table, snapshot_of: dict[datetime, datetime]) -> pa.Table:
    """Replace the event time of labels, the end of their window, by the snapshot at its start.

    Args:
        labels: Labels with a column `event_timestamp`.
        snapshot_of: The snapshot for each end of a window.
    """
    ends = pa.array(list(snapshot_of), labels["event_timestamp"].type)
    starts = pa.array(list(snapshot_of.values()), labels["event_timestamp"].type)
    position = pc.index_in(labels["event_timestamp"], ends)
    column = labels.column_names.index("event_timestamp")
    return labels.set_column(column, "event_timestamp", starts.take(position.combine_chunks()))


def drop_promotion_plans(products: pa.Table) -> pa.Table:
    """Set the features of planned promotions to 0, as in a shop that does not plan its promotions."""
    for name in PROMOTION_PLAN_FEATURES:
        column = products.column_names.index(f"product_activity__{name}")
        products = products.set_column(column, products.field(column), pc.multiply(products.column(column), 0))
    return products
