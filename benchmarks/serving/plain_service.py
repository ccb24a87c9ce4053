"""Serve recommendations as a tutorial would: FastAPI, Feast's SDK for every candidate, and `model.predict`.

The candidates are the most popular products, the same for every customer, so there is no first stage. A separate SQLite
online store holds customers and these products. The ranker is an untrained Keras network with the layers of a ranker of
Reach, because its cost does not depend on its weights.
"""

import argparse
import os
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # as in ml/keras_setup.py; read when TensorFlow is imported

import tf_keras
import uvicorn
from fastapi import FastAPI
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.repo_config import RepoConfig
from feast.types import Float64, String
from pydantic import BaseModel

from scoring.schema import ACTIVITY, PROFILE

VIEWS = {
    "customer": ("customer_id", "feat_customer_profile", PROFILE),
    "product": ("product_id", "feat_product_activity", ACTIVITY),
}


class Request(BaseModel):
    """Ask for `k` products for a customer."""

    customer_id: str
    k: int = 10


def main() -> None:
    """Fill the online store and serve."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving.plain_service", description=__doc__)
    parser.add_argument("--features", type=Path, required=True, help="folder of the published feature tables")
    parser.add_argument("--folder", type=Path, required=True, help="folder for its registry and its online store")
    parser.add_argument("--candidates", type=int, required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    newest = {name: _newest(options.features, table) for name, (_, table, _) in VIEWS.items()}
    newest["product"] = newest["product"].nlargest(options.candidates, "buyers_4w")
    store = _store(options.folder, options.features)
    for name, rows in newest.items():
        key, _, columns = VIEWS[name]
        store.write_to_online_store(name, rows[[key, "event_timestamp", *columns]].fillna(0.0))
    app = _app(store, newest["product"]["product_id"].tolist())
    uvicorn.run(app, host="127.0.0.1", port=options.port, log_level="warning")


def _app(store: FeatureStore, candidates: list[str]) -> FastAPI:
    service: FeatureService = store.get_feature_service("plain")  # once, because each look-up takes milliseconds
    ranker = _ranker(len(PROFILE) + len(ACTIVITY))
    app = FastAPI()

    @app.get("/readyz")
    def ready() -> dict[str, Any]:
        return {}

    @app.post("/recommend")
    def recommend(request: Request) -> dict[str, Any]:
        rows = [{"customer_id": request.customer_id, "product_id": product_id} for product_id in candidates]
        found = store.get_online_features(features=service, entity_rows=rows, full_feature_names=True).to_dict()
        columns = [values for name, values in found.items() if "__" in name]
        scores = ranker.predict(np.array(columns, np.float32).T, verbose=0)[:, 0]
        best = np.argsort(-scores)[: request.k]
        return {"items": [{"product_id": candidates[i], "score": float(scores[i])} for i in best]}

    return app


def _ranker(features: int) -> Any:
    layers = [tf_keras.layers.Dense(n, activation="relu") for n in (128, 64)]
    model = tf_keras.Sequential([tf_keras.Input((features,)), *layers, tf_keras.layers.Dense(1)])
    model.predict(np.zeros((8, features), np.float32), verbose=0)
    return model


def _newest(folder: Path, table: str) -> pd.DataFrame:
    with duckdb.connect() as connection:
        path = str(folder / f"{table}.parquet")
        return connection.execute(
            "SELECT * FROM read_parquet(?) WHERE event_timestamp = (SELECT max(event_timestamp) FROM read_parquet(?))",
            [path, path],
        ).df()


def _store(folder: Path, features: Path) -> FeatureStore:
    folder.mkdir(parents=True)
    store = FeatureStore(
        config=RepoConfig(
            project="plain",
            provider="local",
            registry=str(folder / "registry.db"),
            online_store={"type": "sqlite", "path": str(folder / "online.db")},
            entity_key_serialization_version=3,
        )
    )
    for name, (key, table, columns) in VIEWS.items():
        entity = Entity(name=name, join_keys=[key], value_type=ValueType.STRING)
        view = FeatureView(
            name=name,
            entities=[entity],
            schema=[Field(name=key, dtype=String), *(Field(name=column, dtype=Float64) for column in columns)],
            source=FileSource(path=str(features / f"{table}.parquet"), timestamp_field="event_timestamp"),
        )
        store.apply([entity, view])
    store.apply([FeatureService(name="plain", features=list(store.list_feature_views()))])
    return store


if __name__ == "__main__":
    main()
