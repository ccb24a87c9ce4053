"""Read the deployed version and the customers of the installation that is measured."""

import sys

import pyarrow.parquet as pq

from registry.champion_alias import Registry
from settings import Settings


def champion_version(settings: Settings) -> str:
    """Return the deployed version of the installation, or exit with an error."""
    champion = Registry(settings.paths.release).champion()
    if champion is None:
        sys.exit(f"error: {settings.data} has no champion to measure. Run 'make demo' first.")
    return champion.version


def known_customers(settings: Settings) -> list[str]:
    """Return the ids of all customers of the published features."""
    path = settings.paths.features / "feat_customer_profile.parquet"
    return sorted(set(pq.read_table(path, columns=["customer_id"])["customer_id"].to_pylist()))
