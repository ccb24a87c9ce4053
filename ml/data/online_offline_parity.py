"""Compare the online store with the point-in-time join: a customer must have the same features in both."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from scoring.customer.customer import Customer

SAMPLE_SIZE = 200
"""Customers compared at most."""

Read = Callable[[str], Mapping[str, Any] | None]
"""Returns a customer's row of the online store, or None without one."""


def online_agreement(read: Read, ids: Sequence[str], customers: Sequence[Customer], instant: datetime) -> float | None:
    """Return the share of sampled customers whose online row equals the point-in-time join.

    Args:
        read: Reads a customer's row of the online store.
        ids: Ids of all customers in the join.
        customers: The same customers' features as of `instant`.
        instant: Event time of the join (naive UTC).

    Returns:
        A share of at most `SAMPLE_SIZE` customers; None if the online store holds another instant, so that the two
        cannot be compared.
    """
    rows = np.unique(np.linspace(0, len(ids) - 1, SAMPLE_SIZE).astype(int))
    same = 0
    for row in rows:
        features = read(ids[row])
        if features is None:
            continue
        if features["event_timestamp"] != instant:
            return None
        same += is_same(Customer.from_features(features), customers[row])
    return same / len(rows)


def is_same(one: Customer, other: Customer) -> bool:
    """Return whether both have the same history, product by product, the same profile and the same traits."""
    return (
        list(one.product_ids) == list(other.product_ids)
        and all(np.array_equal(values, other.history[name]) for name, values in one.history.items())
        and dict(one.profile) == dict(other.profile)
        and dict(one.traits) == dict(other.traits)
    )
