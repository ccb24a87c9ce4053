"""Read customers' recent interest from the admitted events, as the service reads it from the event log."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import duckdb

from core.duckdb_engine import read_parquet
from core.event_types import PURCHASE, event_types
from scoring.customer.customer import Customer
from scoring.customer.recent_interest import last_purchases, recent_interest


class LandedInteraction(NamedTuple):
    """The newest landed event of one type of a customer about a product, other than a purchase."""

    event_type: str
    product_id: str
    occurred_at: datetime
    rating: float | None


def with_recent_interest(
    ids: Sequence[str], customers: Sequence[Customer], events: Path, as_of: datetime
) -> list[Customer]:
    """Return the customers with the recent interest that their events show.

    Args:
        ids: The customers' ids.
        customers: The customers at `as_of`, in the order of `ids`.
        events: The admitted events; without the file, nothing changes.
        as_of: The instant of the features (naive UTC). Later events are not read.
    """
    found = _interactions(events, as_of) if events.exists() else {}
    return [
        _with_interest(customer, found[customer_id], as_of) if customer_id in found else customer
        for customer_id, customer in zip(ids, customers, strict=True)
    ]


def _with_interest(customer: Customer, found: Sequence[LandedInteraction], as_of: datetime) -> Customer:
    wanted = {each.product_id for each in found}
    days = customer.history["days_since_last"].tolist()
    bought_at = last_purchases(customer.product_ids, days, as_of, wanted)
    return replace(customer, recent=recent_interest(found, bought_at, as_of))


def _interactions(events: Path, as_of: datetime) -> Mapping[str, list[LandedInteraction]]:
    """Return each customer's interactions: of each type the newest products, of each the newest event."""
    types = [name for name, declared in event_types().types.items() if declared.changes_lists and name != PURCHASE]
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"""
            WITH known AS (
                SELECT customer_id, lower(trim(event_type)) AS event_type, product_id, occurred_at, event_id,
                       (rating - rating_min) / nullif(rating_max - rating_min, 0) AS rating
                FROM {read_parquet(events)}
                WHERE occurred_at < $as_of AND occurred_at >= $oldest AND customer_id IS NOT NULL
                    AND product_id IS NOT NULL AND list_contains($types, lower(trim(event_type)))
            ),
            newest AS (
                SELECT * FROM known
                QUALIFY row_number() OVER (
                    PARTITION BY customer_id, event_type, product_id ORDER BY occurred_at DESC, event_id DESC
                ) = 1
            )
            SELECT customer_id, event_type, product_id, occurred_at, rating FROM newest
            QUALIFY row_number() OVER (
                PARTITION BY customer_id, event_type ORDER BY occurred_at DESC, event_id DESC
            ) <= $products
            """,
            {
                "as_of": as_of,
                "oldest": as_of - event_types().longest,
                "types": types,
                "products": event_types().recent.products,
            },
        ).fetchall()
    found: dict[str, list[LandedInteraction]] = {}
    for customer_id, *rest in rows:
        found.setdefault(customer_id, []).append(LandedInteraction(*rest))
    return found
