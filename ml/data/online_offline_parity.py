"""Is what the service reads of a customer what training reads for the same instant?"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from scoring.customer.customer import Customer

ASKED = 200

Read = Callable[[str], Mapping[str, Any] | None]
"""A customer's row of the online store; None if there is none."""


def online_agreement(read: Read, ids: Sequence[str], customers: Sequence[Customer], instant: datetime) -> float | None:
    """Share of up to `ASKED` customers whose online row gives the very customer of the point-in-time join.

    ids, customers: everybody of the join at `instant`. None if the online store holds another instant: nothing can be
    said then.
    """
    rows = np.unique(np.linspace(0, len(ids) - 1, ASKED).astype(int))
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
    """Whether both have the same history, product by product, the same profile and the same traits."""
    return (
        list(one.product_ids) == list(other.product_ids)
        and all(np.array_equal(values, other.history[name]) for name, values in one.history.items())
        and dict(one.profile) == dict(other.profile)
        and dict(one.traits) == dict(other.traits)
    )
