"""Compute the inputs of a scorer: the same arithmetic in training, by command and in the service."""

from dataclasses import dataclass

import numpy as np

from marketing.audience.index import BUYER_COLUMNS, CUSTOMER_COLUMNS, AudienceIndex, PastBuyers

ACTIVE_DAYS = 91
"""A customer without a purchase in these days is in no audience."""

NEVER_DAYS = 365.0
"""Days since the last purchase, of a customer who never bought."""

SPEND_SCALE = 100.0
"""Money that counts as half a basket where customers with equally many baskets are ordered."""

BROAD_WIDTH = 8
"""The first dimensions of the taste vectors, which differ most between customers."""

FEW_BUYERS = 5.0
"""Weight that draws the mean taste of few buyers towards zero."""

CUSTOMER_INPUTS = CUSTOMER_COLUMNS
OWN_INPUTS = (*(f"own_{name}" for name in BUYER_COLUMNS), "own_per_visit", "own_lately")
PARENT_INPUTS = (*(f"parent_{name}" for name in BUYER_COLUMNS), "parent_per_visit", "parent_lately")
TASTE_INPUTS = ("taste_affinity", "broad_taste_affinity")
ITEM_INPUTS = ("recent_buyers", "recent_new_buyers", "returning_buyers", "mailer_stores_next")
NEW_INPUTS = (*CUSTOMER_INPUTS, *PARENT_INPUTS, *TASTE_INPUTS, *ITEM_INPUTS)
"""Of a customer who never bought the items; logarithms of counts, days and money."""

PAST_INPUTS = (*NEW_INPUTS, *OWN_INPUTS)
"""Of a customer who bought one of the items before."""


@dataclass(frozen=True)
class AudienceInputs:
    """The inputs of every active customer for one question.

    Attributes:
        customers: numbers of the active customers, ascending, `[active]`.
        is_past: whether each bought one of the items before, `[active]`.
        past: `PAST_INPUTS` of the past buyers, float32 `[past, inputs]`.
        new: `NEW_INPUTS` of the others, float32 `[new, inputs]`.
    """

    customers: np.ndarray
    is_past: np.ndarray
    past: np.ndarray
    new: np.ndarray


def active_customers(index: AudienceIndex) -> np.ndarray:
    """Return whether each customer bought anything in the last `ACTIVE_DAYS` days, `[customers]`."""
    return np.asarray(index.customers[:, CUSTOMER_COLUMNS.index("days_since_last_basket")] <= ACTIVE_DAYS)


def inputs_of(index: AudienceIndex, items: list[int]) -> AudienceInputs:
    """Return the inputs of every active customer for these items together."""
    active = active_customers(index)
    customers = np.flatnonzero(active)
    buyers = _of_active(index.past_buyers(items), active)
    is_past = np.zeros(len(index.customers), bool)
    is_past[buyers.customers] = True
    is_past = is_past[customers]
    parent = _spread(_of_active(index.past_buyers(index.parents(items)), active), len(index.customers))[customers]
    mailer = max((float(index.columns["mailer_stores_next"][item]) for item in items), default=0.0)
    known = index.customers[customers]
    shared = np.concatenate(
        [
            _customer_inputs(known),
            _bought_inputs(parent, known),
            _taste_inputs(index.taste, buyers)[customers],
            np.broadcast_to(_item_inputs(buyers, len(customers), mailer), (len(customers), len(ITEM_INPUTS))),
        ],
        axis=1,
    )
    own = _bought_inputs(buyers.bought, known[is_past])
    return AudienceInputs(customers, is_past, np.concatenate([shared[is_past], own], axis=1), shared[~is_past])


def _of_active(buyers: PastBuyers, active: np.ndarray) -> PastBuyers:
    kept = active[buyers.customers]
    return PastBuyers(buyers.customers[kept], buyers.bought[kept])


def _spread(buyers: PastBuyers, customers: int) -> np.ndarray:
    """Return what every customer bought, with zeros where nothing was, float32 `[customers, columns]`."""
    spread = np.zeros((customers, len(BUYER_COLUMNS)), np.float32)
    spread[:, BUYER_COLUMNS.index("days_since_last")] = NEVER_DAYS
    spread[buyers.customers] = buyers.bought
    return spread


def _customer_inputs(customers: np.ndarray) -> np.ndarray:
    inputs: np.ndarray = np.log1p(customers)
    share = CUSTOMER_COLUMNS.index("new_product_share_8w")
    inputs[:, share] = customers[:, share]
    return inputs


def _bought_inputs(bought: np.ndarray, customers: np.ndarray) -> np.ndarray:
    """Return logarithms of the purchases, of their share of the visits, and of the recent frequency.

    The last one counts baskets of 13 weeks; customers with equally many are ordered by spend.
    """
    baskets = bought[:, BUYER_COLUMNS.index("baskets_13w")]
    visits = customers[:, CUSTOMER_COLUMNS.index("baskets_13w")]
    spend = customers[:, CUSTOMER_COLUMNS.index("spend_13w")] / SPEND_SCALE
    per_visit = np.log((baskets + 0.5) / (visits + 1))
    recent_rate = np.log1p(baskets + spend / (1 + spend))
    return np.concatenate([np.log1p(bought), per_visit[:, None], recent_rate[:, None]], axis=1)


def _taste_inputs(taste: np.ndarray, buyers: PastBuyers) -> np.ndarray:
    """Return how near each customer's taste is to the mean taste of the buyers, in all dimensions and in the first."""
    weights = np.log1p(buyers.bought[:, BUYER_COLUMNS.index("baskets_13w")]) + 0.3
    mean = (weights @ taste[buyers.customers]) / (weights.sum() + FEW_BUYERS)
    both = np.zeros((len(mean), len(TASTE_INPUTS)), np.float32)
    both[:, 0] = mean
    both[:BROAD_WIDTH, 1] = mean[:BROAD_WIDTH]
    return np.asarray(taste @ both, np.float32)


def _item_inputs(buyers: PastBuyers, customers: int, mailer: float) -> np.ndarray:
    recent = buyers.bought[:, BUYER_COLUMNS.index("baskets_4w")]
    ever = buyers.bought[:, BUYER_COLUMNS.index("baskets")]
    bought = int((recent > 0).sum())
    first = int(((recent > 0) & (recent >= ever)).sum())
    before = len(buyers.customers) - first
    shares = [
        _log_odds(bought, customers),
        _log_odds(first, customers - before),
        _log_odds(bought - first, before),
        mailer,
    ]
    return np.array(shares, np.float32)


def _log_odds(count: int, of: int) -> float:
    return float(np.log((count + 0.5) / (of - count + 0.5)))
