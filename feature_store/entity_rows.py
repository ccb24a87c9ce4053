"""Which keys a feature view knows at given instants: the questions to ask Feast."""

from collections.abc import Sequence
from datetime import datetime

import duckdb
import pandas as pd
from feast import FeatureStore, FileSource

from feature_store.offline_store import EVENT_TIMESTAMP


def entity_rows(store: FeatureStore, view_name: str, instants: Sequence[datetime]) -> pd.DataFrame:
    """Keys that have a row in the view at exactly these instants: the join key and `event_timestamp`, sorted.

    Feast joins features to keys but does not list them, so the view's own source is asked.
    """
    view = store.get_feature_view(view_name)
    [key] = view.join_keys
    source = view.batch_source
    assert isinstance(source, FileSource)  # every view here reads a table
    with duckdb.connect() as connection:
        return connection.execute(
            f'select "{key}", {EVENT_TIMESTAMP} from read_parquet($path) '
            f"where list_contains($instants::timestamp[], {EVENT_TIMESTAMP}) order by 2 desc, 1",
            {"path": source.path, "instants": list(instants)},
        ).df()
