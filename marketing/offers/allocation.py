"""Choose offers under a budget so that the expected incremental margin is greatest.

The problem is a knapsack with a limit per customer and a limit on the share of existing buyers. Two prices (of money
and of the share) split it into one small choice per customer, which gives an upper bound; a greedy choice at these
prices gives a solution. Offers that cannot be part of a better solution are left out (reduced costs), and HiGHS solves
what remains exactly if it is small enough. Money is counted in ten-thousandths, so no rounding exceeds the budget.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix, vstack

UNITS = 10_000
"""Parts of a unit of money in which budget and costs are counted, exactly as the warehouse stores face values."""

EXACT_ROWS = 20_000
"""Offers that HiGHS is given at most; above it the greedy choice and its bound are the answer."""

_ITERATIONS = 60
_TOLERANCE = 1e-7


@dataclass(frozen=True)
class Candidates:
    """Possible offers, one element per pair of customer and coupon.

    Attributes:
        customers: the customer's number, from 0.
        margins: expected incremental margin of the offer.
        costs: face value of the coupon, which the offer may cost.
        is_existing: whether the customer bought one of the coupon's products recently.
    """

    customers: np.ndarray
    margins: np.ndarray
    costs: np.ndarray
    is_existing: np.ndarray

    def only(self, rows: np.ndarray) -> "Candidates":
        """Return the candidates of these rows."""
        return Candidates(self.customers[rows], self.margins[rows], self.costs[rows], self.is_existing[rows])

    @property
    def units(self) -> np.ndarray:
        """Return the costs as whole ten-thousandths."""
        return np.asarray(np.rint(self.costs * UNITS).astype(np.int64))


@dataclass(frozen=True)
class Rules:
    """The limits of an allocation.

    Attributes:
        budget: money that may be spent if every offered coupon is redeemed.
        per_customer: offers that one customer gets at most.
        max_existing_share: share of the offers that may go to customers who already buy the coupon's products.
    """

    budget: float
    per_customer: int
    max_existing_share: float

    @property
    def units(self) -> int:
        """Return the budget as whole ten-thousandths, rounded down."""
        return int(np.floor(self.budget * UNITS + 1e-6))


@dataclass(frozen=True)
class Allocation:
    """The chosen offers.

    Attributes:
        rows: indices of the chosen candidates, ascending.
        margin: their expected incremental margin.
        bound: no allocation that respects the rules earns more.
    """

    rows: np.ndarray
    margin: float
    bound: float


@dataclass(frozen=True)
class _Prices:
    money: float
    share: float


def allocate(candidates: Candidates, rules: Rules) -> Allocation:
    """Return the best offers that respect the rules, and how much better any others could be.

    Offers that lose money are never made. The same candidates give the same allocation.
    """
    usable = np.flatnonzero((candidates.margins > 0) & (candidates.units <= rules.units) & (candidates.units > 0))
    if not len(usable) or rules.per_customer < 1:
        return Allocation(np.empty(0, np.int64), 0.0, 0.0)
    left = candidates.only(usable)
    table = _by_customer(left.customers)
    prices, bound = _dual(left, table, rules)
    chosen = _greedy(left, rules, prices)
    margin = float(left.margins[chosen].sum())
    core = _could_be_chosen(left, table, rules, prices, bound - margin)
    if bound - margin > _TOLERANCE * bound and len(core) <= EXACT_ROWS:
        exact = core[_solve(left.only(core), rules)]
        if _respects(left, exact, rules) and left.margins[exact].sum() > margin:
            chosen, margin = exact, float(left.margins[exact].sum())
    return Allocation(np.sort(usable[chosen]), margin, max(bound, margin))


def price_of_rules(candidates: Candidates, rules: Rules) -> dict[str, float]:
    """Return the expected margin without each rule, by rule, and with a budget that is 100 larger."""
    changed = {
        "without the limit on existing buyers": replace(rules, max_existing_share=1.0),
        "without the limit per customer": replace(rules, per_customer=len(candidates.customers) or 1),
        "with a budget that is 100 larger": replace(rules, budget=rules.budget + 100),
    }
    return {name: allocate(candidates, other).margin for name, other in changed.items()}


def _by_customer(customers: np.ndarray) -> np.ndarray:
    """Return a table of row indices, one line per customer, filled up with -1."""
    order = np.argsort(customers, kind="stable")
    _, starts, counts = np.unique(customers[order], return_index=True, return_counts=True)
    table = np.full((len(starts), counts.max()), -1, np.int64)
    column = np.arange(len(order)) - np.repeat(starts, counts)
    table[np.repeat(np.arange(len(starts)), counts), column] = order
    return table


def _reduced(left: Candidates, rules: Rules, prices: _Prices) -> np.ndarray:
    return (
        left.margins
        - prices.money * left.units / UNITS
        - prices.share * (left.is_existing - min(rules.max_existing_share, 1.0))
    )


def _best_at(left: Candidates, table: np.ndarray, rules: Rules, prices: _Prices) -> tuple[float, np.ndarray]:
    """Return the greatest sum of reduced margins with the limit per customer, and the rows that give it."""
    reduced = np.append(_reduced(left, rules, prices), -np.inf)[table]
    most = min(rules.per_customer, table.shape[1])
    if most < table.shape[1]:
        columns = np.argpartition(-reduced, most - 1, axis=1)[:, :most]
        values, rows = np.take_along_axis(reduced, columns, 1), np.take_along_axis(table, columns, 1)
    else:
        values, rows = reduced, table
    return float(values[values > 0].sum()), rows[values > 0]


def _dual(left: Candidates, table: np.ndarray, rules: Rules) -> tuple[_Prices, float]:
    """Return the prices with the lowest upper bound, and the bound, by cutting planes."""
    share = min(rules.max_existing_share, 1.0)
    scale = np.array(
        [
            float((left.margins * UNITS / left.units).max()),
            float(left.margins.max()) / (1 - share) if share < 1 else 0.0,
        ]
    )
    # Imported here and below, because it takes half a second to load, and most campaigns offer no coupon.
    from scipy.optimize import linprog

    cuts: list[np.ndarray] = []
    limits: list[float] = []
    best, bound = _Prices(0.0, 0.0), np.inf
    point = np.zeros(2)
    for _ in range(_ITERATIONS):
        prices = _Prices(*(point * scale))
        value, rows = _best_at(left, table, rules, prices)
        value += prices.money * rules.units / UNITS
        if value < bound:
            best, bound = prices, value
        spare = (rules.units - int(left.units[rows].sum())) / UNITS
        over = float((left.is_existing[rows] - share).sum())
        slope = np.array([spare, -over]) * scale
        cuts.append(np.array([*slope, -1.0]))
        limits.append(float(slope @ point) - value)
        found = linprog(
            [0.0, 0.0, 1.0], A_ub=np.array(cuts), b_ub=limits, bounds=[(0, 1), (0, 1), (0, None)], method="highs"
        )
        if not found.success or bound - found.fun <= _TOLERANCE * bound:
            break
        point = found.x[:2]
    return best, bound


def _greedy(left: Candidates, rules: Rules, prices: _Prices) -> np.ndarray:
    """Return rows that respect the rules: best value for money first, at the price of the share."""
    units, existing = left.units, left.is_existing.astype(bool)
    worth = (left.margins - prices.share * (existing - min(rules.max_existing_share, 1.0))) / units
    order = np.lexsort((np.arange(len(units)), -left.margins, -worth))
    given = np.zeros(int(left.customers.max()) + 1, np.int64)
    chosen, spare = _fill(order, left.customers, units, given, rules.units, rules.per_customer)
    surplus = _surplus(existing[chosen], rules.max_existing_share)
    if surplus:
        held = np.array(chosen)
        dropped = held[existing[held]][np.argsort(left.margins[held[existing[held]]], kind="stable")[:surplus]]
        np.subtract.at(given, left.customers[dropped], 1)
        kept = set(chosen) - set(dropped.tolist())
        fresh = order[~existing[order]]
        fresh = fresh[~np.isin(fresh, list(kept))]
        more, _ = _fill(fresh, left.customers, units, given, spare + int(units[dropped].sum()), rules.per_customer)
        chosen = [*kept, *more]
    return np.array(sorted(chosen), np.int64)


def _fill(
    order: np.ndarray, customers: np.ndarray, units: np.ndarray, given: np.ndarray, spare: int, most: int
) -> tuple[list[int], int]:
    """Take rows in this order as far as money and the limit per customer reach; `given` counts along."""
    chosen: list[int] = []
    cheapest = int(units.min())
    for row, customer, cost in zip(order.tolist(), customers[order].tolist(), units[order].tolist(), strict=True):
        if spare < cheapest:
            break
        if cost <= spare and given[customer] < most:
            given[customer] += 1
            spare -= cost
            chosen.append(row)
    return chosen, spare


def _surplus(existing: np.ndarray, share: float) -> int:
    """Return how many existing buyers must go so that their share of the rest is respected."""
    count, total = int(existing.sum()), len(existing)
    if share >= 1 or count <= share * total:
        return 0
    return int(np.ceil((count - share * total) / (1 - share) - 1e-9))


def _could_be_chosen(left: Candidates, table: np.ndarray, rules: Rules, prices: _Prices, gap: float) -> np.ndarray:
    """Return the rows that a better solution may hold: any other would cost more than the gap to the bound."""
    reduced = np.append(_reduced(left, rules, prices), -np.inf)
    lines = reduced[table]
    most = min(rules.per_customer, table.shape[1])
    threshold = np.maximum(-np.partition(-lines, most - 1, axis=1)[:, most - 1], 0.0)
    rows = table[(lines >= threshold[:, None] - gap) & (table >= 0)]
    return np.sort(rows)


def _solve(core: Candidates, rules: Rules) -> np.ndarray:
    """Return the rows that HiGHS chooses; none if it finds no solution."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    count = len(core.margins)
    _, numbers = np.unique(core.customers, return_inverse=True)
    of_customers = csr_matrix((np.ones(count), (numbers, np.arange(count))))
    money = csr_matrix(core.units[None, :] / UNITS)
    share = csr_matrix(core.is_existing[None, :] - min(rules.max_existing_share, 1.0))
    limits = np.concatenate([[rules.units / UNITS, 0.0], np.full(of_customers.shape[0], float(rules.per_customer))])
    found = milp(
        -core.margins,
        constraints=LinearConstraint(vstack([money, share, of_customers]).tocsr(), -np.inf, limits),
        integrality=np.ones(count),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 1e-5, "node_limit": 2_000},
    )
    return np.flatnonzero(found.x > 0.5) if found.x is not None else np.empty(0, np.int64)


def _respects(left: Candidates, rows: np.ndarray, rules: Rules) -> bool:
    return (
        len(rows) > 0
        and int(left.units[rows].sum()) <= rules.units
        and int(np.bincount(left.customers[rows]).max()) <= rules.per_customer
        and _surplus(left.is_existing[rows].astype(bool), rules.max_existing_share) == 0
    )
