"""Make up customers for golden requests: the requests and answers by which a copied bundle is checked.

A bundle is copied, stored and sent to other machines, so it must not contain the purchases of a real customer. The
customers are made up from the catalogue alone: products in proportion to their buyers, days and units at random.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer
from scoring.customer.realtime import apply_purchases

BASKETS = (0, 1, 6, 25, 60)
"""Number of baskets of each made-up customer: from a customer without purchases to a weekly one."""

BASKET_SIZE = 6.0
"""Mean number of products in a made-up basket."""

ASSORTMENT = 40
"""Number of products that a made-up customer chooses from; it is small, so that some are bought again."""

HISTORY_DAYS = 360
"""Days before the catalogue's instant in which made-up customers buy."""


class _Line(NamedTuple):
    event_id: str
    product_id: str
    occurred_at: datetime
    received_at: datetime
    quantity: float
    price: float | None


def made_up_customers(catalogue: Catalogue, at: datetime, seed: int) -> list[Customer]:
    """Return one customer for each number of `BASKETS`; the same catalogue and seed give the same customers.

    Args:
        catalogue: The products to buy from.
        at: The catalogue's instant (naive UTC), a midnight of the shop; all made-up purchases are before it.
        seed: Seed of the random numbers.
    """
    rng = np.random.default_rng(seed)
    return [apply_purchases(Customer.empty(), at, _purchases(catalogue, at, count, rng), at) for count in BASKETS]


def _purchases(catalogue: Catalogue, at: datetime, baskets: int, rng: np.random.Generator) -> list[_Line]:
    # Plus one, because in a shop's first days no product has four weeks of buyers.
    popularity = catalogue.popularity + 1.0
    count = min(ASSORTMENT, len(catalogue))
    favourites = rng.choice(len(catalogue), count, replace=False, p=popularity / popularity.sum())
    days = rng.choice(HISTORY_DAYS, baskets, replace=False)
    lines = []
    for day in sorted(days.tolist()):
        moment = at - timedelta(days=day, hours=float(rng.uniform(1, 23)))
        size = min(1 + rng.poisson(BASKET_SIZE - 1), count)
        for position in rng.choice(favourites, size, replace=False).tolist():
            product_id = catalogue.product_ids[position]
            quantity, price = float(1 + rng.poisson(0.3)), round(float(rng.uniform(0.5, 9.0)), 2)
            lines.append(_Line(f"{day}-{product_id}", product_id, moment, moment, quantity, price))
    return lines
