"""Describe sample customers for readers: their history, their lists, and their purchases afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.evaluation.ground_truth import GroundTruth, Slates
from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer

CUSTOMERS = 10
MAX_RECENT = 10
MAX_PURCHASES = 30

# Runs of earlier versions have no product ids, so these have a default.


@dataclass(frozen=True, kw_only=True)
class RecentProduct:
    """Hold a product of a customer's history, with the days since its last purchase and its number of baskets."""

    product_id: str = ""
    name: str
    days_ago: int
    baskets: int


@dataclass(frozen=True, kw_only=True)
class ListedProduct:
    """Hold a product of a customer's list, with its source and whether the customer then bought it."""

    product_id: str = ""
    name: str
    hit: bool
    source: str


@dataclass(frozen=True, kw_only=True)
class PurchasedProduct:
    """Hold a product bought in the window: whether a list contained it, and whether the customer never had it."""

    product_id: str = ""
    name: str
    hit: bool
    new: bool


@dataclass(frozen=True)
class SampleCustomer:
    """Describe one customer for readers of the report.

    Attributes:
        customer_id: The customer.
        baskets: Number of baskets before the snapshot.
        known_products: Number of products bought before the snapshot.
        recent: The products bought most recently before the snapshot.
        bought: Number of products bought in the window.
        new: Number of products first bought in the window.
        slates: The first ten of each slate.
        purchases: Products bought in the window, those of the lists first.
    """

    customer_id: str
    baskets: int
    known_products: int
    recent: Sequence[RecentProduct]
    bought: int
    new: int
    slates: Mapping[str, Sequence[ListedProduct]]
    purchases: Sequence[PurchasedProduct]

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "SampleCustomer":
        """Read one row of `sample_customers.json`."""
        slates = {slate: [ListedProduct(**row) for row in rows] for slate, rows in values["slates"].items()}
        recent = [RecentProduct(**row) for row in values["recent"]]
        purchases = [PurchasedProduct(**row) for row in values["purchases"]]
        return cls(**{**values, "recent": recent, "slates": slates, "purchases": purchases})


def sample_customers(
    truth: GroundTruth, slates: Slates, customers: Sequence[Customer], catalogue: Catalogue, sources: Sequence[str]
) -> list[SampleCustomer]:
    """Describe ten customers, evenly spread over the evaluated ones.

    Args:
        truth: Purchases of the evaluated customers.
        slates: The lists that they would get.
        customers: Their features at the snapshot.
        catalogue: The catalogue of the lists.
        sources: Names of all sources, in the order in which the lists number them.
    """
    rows = np.unique(np.linspace(0, len(truth.customer_ids) - 1, CUSTOMERS).astype(int))
    return [
        SampleCustomer(
            customer_id=truth.customer_ids[row],
            baskets=int(customers[row].profile["baskets"]),
            known_products=len(customers[row].product_ids),
            recent=_recent(customers[row], catalogue),
            bought=len(truth.bought[row]) + int(truth.missing[row]),
            new=len(truth.relevant("explore")[row]),
            slates={
                slate: [
                    ListedProduct(
                        product_id=catalogue.product_ids[position],
                        name=_name(catalogue, int(position)),
                        hit=bool(np.isin(position, truth.bought[row])),
                        source=sources[lists.sources[row, rank]],
                    )
                    for rank, position in enumerate(lists.positions[row, :10])
                    if position >= 0
                ]
                for slate, lists in slates.items()
            },
            purchases=_purchases(truth, slates, row, catalogue),
        )
        for row in rows
    ]


def _name(catalogue: Catalogue, position: int) -> str:
    """Return the product's name, or the word product without one, because the page shows the id next to it."""
    return catalogue.names[position] or "product"


def _recent(customer: Customer, catalogue: Catalogue) -> list[RecentProduct]:
    ages, baskets = customer.history["days_since_last"], customer.history["baskets"]
    newest = [i for i in np.lexsort((-baskets, ages)) if customer.product_ids[i] in catalogue.index][:MAX_RECENT]
    return [
        RecentProduct(
            product_id=str(customer.product_ids[i]),
            name=_name(catalogue, catalogue.index[customer.product_ids[i]]),
            days_ago=round(float(ages[i])),
            baskets=int(baskets[i]),
        )
        for i in newest
    ]


def _purchases(truth: GroundTruth, slates: Slates, row: int, catalogue: Catalogue) -> list[PurchasedProduct]:
    """Return at most MAX_PURCHASES purchases; products that either list showed come first."""
    shown = np.concatenate([lists.positions[row, :10] for lists in slates.values()])
    bought = truth.bought[row]
    hit, known = np.isin(bought, shown), np.isin(bought, truth.history[row])
    order = np.lexsort((bought, ~known, ~hit))[:MAX_PURCHASES]
    return [
        PurchasedProduct(
            product_id=catalogue.product_ids[bought[i]],
            name=_name(catalogue, int(bought[i])),
            hit=bool(hit[i]),
            new=not bool(known[i]),
        )
        for i in order
    ]
