"""Small feature tables, staged, published, applied and materialised as the DAG does it."""

from datetime import date

from feature_store.apply import apply
from feature_store.online.materialize import materialize
from feature_store.publish import publish
from settings import Settings
from tests.support.feature_store.synthetic_features import write_feature_tables

AS_OF = date(2018, 1, 1)


def stage(settings: Settings, as_of: date, **shape: int) -> None:
    """Write the tables that dbt would leave in the staging folder."""
    write_feature_tables(settings.paths.staged_features, settings.snapshot_instants(as_of), **shape)


def run_all(settings: Settings, as_of: date, **shape: int) -> None:
    """Stage, publish, apply and materialise."""
    stage(settings, as_of, **shape)
    publish(settings, as_of)
    apply(settings)
    materialize(settings, as_of)
