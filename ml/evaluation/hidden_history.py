"""How good the lists are for customers of whom little is known: history cut to the newest 0, 1, 3, 5, … baskets.

The published features are one row a customer and product, not one a basket, so the baskets are read from the rows: the
distinct ages of first and last purchases, newest first, are the customer's baskets. The newest is always seen whole. A
basket all of whose products were bought both before and after it is not seen, and a cut reaches as far further back
(in the demo's data 94% are seen of customers with up to five baskets in four weeks). A cut after the n-th newest
basket, `known` days ago, then keeps the products bought since:

- a product *first* bought within the cut keeps all its numbers: they are exactly what the shorter history would give;
- a product bought before, too, counts as bought once, on its last date, with the average quantity and spend of one
  basket: other purchases of it within the cut are hidden with those before.

The profile follows: counts and spend of windows that lie within the cut stay, longer ones hold what is left.
Demographics, the home store and the share of discounts stay (the latter cannot be derived and is a habit, not a
purchase); contacts by campaigns are hidden. Without any basket there is no history: the marked fallback answers.

Nothing of a hidden customer may be known elsewhere either, so the caller has to leave the hidden customers out of what
learns from everybody's purchases at the snapshot (item-to-item, neighbours).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ml.errors import MLError
from ml.evaluation.intervals import Estimate, bootstrap, paired
from scoring.customer import Customer
from scoring.schema import HISTORY, PROFILE

CUTS: tuple[int | None, ...] = (0, 1, 3, 5, None)
"""Baskets left to see; None: all of them."""

SAME_BASKET = 0.02
"""Days: lines of one basket may be known minutes apart."""


class NotBetterWithHistory(MLError):  # noqa: N818 - a finding, not a fault of the code
    """Somewhere on the curve the system falls below popularity, or more history makes it worse."""


def basket_ages(customer: Customer) -> np.ndarray:
    """Ages in days of the baskets that the history shows, newest first, `[baskets]`."""
    ages = np.unique(np.concatenate([customer.history[f"days_since_{end}"] for end in ("first", "last")]))
    return ages[np.concatenate([[True], np.diff(ages) > SAME_BASKET])] if len(ages) else ages


def cut(customer: Customer, baskets: int | None) -> Customer:
    """The customer as known from the newest `baskets` baskets alone; unchanged if there are no more than that."""
    if baskets is None or (baskets > 0 and customer.profile["baskets"] <= baskets):
        return customer
    if baskets == 0:
        return Customer(
            product_ids=[],
            history={name: np.zeros(0, np.float32) for name in HISTORY},
            profile=dict.fromkeys(PROFILE, 0.0),
            traits=customer.traits,
        )
    ages = basket_ages(customer)[:baskets]
    known = float(ages[-1])
    kept = np.flatnonzero(customer.history["days_since_last"] <= known + SAME_BASKET)
    whole = customer.history["days_since_first"][kept] <= known + SAME_BASKET
    history = {
        name: np.where(whole, customer.history[name][kept], _once(name, customer, kept)).astype(np.float32)
        for name in HISTORY
    }
    order = np.argsort(-history["decayed_120d"], kind="stable")  # the order in which the features publish products
    history = {name: values[order] for name, values in history.items()}
    product_ids = [customer.product_ids[i] for i in kept[order]]
    return Customer(product_ids, history, _profile(customer, history, ages), customer.traits)


def _once(name: str, customer: Customer, kept: np.ndarray) -> np.ndarray:
    """One of HISTORY for products that count as bought once, on their last date."""
    own = {key: values[kept] for key, values in customer.history.items()}
    age = own["days_since_last"]
    if window := re.fullmatch(r"baskets_(\d+)w", name):
        return (age <= 7 * int(window[1])).astype(np.float32)
    if decay := re.fullmatch(r"decayed_(\d+)d", name):
        return np.exp(-age / int(decay[1]))
    simple = {
        "baskets": np.ones(len(kept)),
        "last_20_baskets": np.ones(len(kept)),  # no cut leaves as many as twenty
        "periods_4w": np.ones(len(kept)),
        "days_since_last": age,
        "days_since_first": age,
        "gap_mean_days": np.zeros(len(kept)),
        "gap_std_days": np.zeros(len(kept)),
        "quantity": own["quantity"] / np.maximum(own["baskets"], 1.0),
        "spend": own["spend"] / np.maximum(own["baskets"], 1.0),
    }
    return simple[name]


def _profile(customer: Customer, history: Mapping[str, np.ndarray], ages: np.ndarray) -> dict[str, float]:
    """The profile as the cut history gives it; `ages` are those of the baskets left, newest first."""
    known, n = float(ages[-1]), len(ages)
    profile = dict.fromkeys(PROFILE, 0.0)
    for name in PROFILE:
        window = re.fullmatch(r"(baskets|spend)_(\d+)w", name)
        if window and known >= 7 * int(window[2]):
            profile[name] = customer.profile[name]
        elif window:
            profile[name] = float(n if window[1] == "baskets" else history["spend"].sum())
    lately = float(history["baskets_8w"].sum())
    return profile | {
        "baskets": float(n),
        "days_since_last_basket": customer.profile["days_since_last_basket"],
        "days_since_first_basket": known,
        "gap_mean_days": (known - float(ages[0])) / (n - 1) if n > 1 else 0.0,
        "products": float(len(history["baskets"])),
        "basket_size_mean": float(history["baskets"].sum()) / n,
        "new_product_share_8w": float((history["days_since_first"] <= 56).sum()) / lately if lately else 0.0,
        "discount_share": customer.profile["discount_share"],
    }


def label(baskets: int | None) -> str:
    return "all" if baskets is None else str(baskets)


Curve = Mapping[int | None, Mapping[str, Mapping[str, np.ndarray]]]
"""By baskets left to see (in rising order), method and score: one number a customer, the same customers everywhere."""


def summary(curve: Curve, ours: str, seed: int) -> dict[str, Any]:
    """Means with intervals of every point, and paired differences: ours to each rule, and to the cut before.

    As JSON: `customers`, `scores`, and `points`: for each cut `baskets`, `methods`, `against`, `gained`.
    """
    points, before = [], None
    for baskets, methods in curve.items():
        scores = methods[ours]
        points.append(
            {
                "baskets": label(baskets),
                "methods": {m: {s: vars(bootstrap(v, seed)) for s, v in of.items()} for m, of in methods.items()},
                "against": {
                    other: {name: vars(paired(scores[name], values, seed)) for name, values in of.items()}
                    for other, of in methods.items()
                    if other != ours
                },
                "gained": None
                if before is None
                else {name: vars(paired(values, before[name], seed)) for name, values in scores.items()},
            }
        )
        before = scores
    first = next(iter(next(iter(curve.values())).values()))
    return {"customers": len(next(iter(first.values()))), "scores": list(first), "ours": ours, "points": points}


def findings(curve: dict[str, Any], score: str, floor: str) -> list[str]:
    """Sentences about every point where the system falls below the rule `floor`, or loses by knowing more.

    Both are asked of the means themselves: on the same customers a fall is a fall, however small. Only a tie with the
    rule itself (nothing is known, the fallback answers) passes as equal.
    """
    wrong = []
    for point in curve["points"]:
        lead = Estimate(**point["against"][floor][score])
        known = f"With {point['baskets']} basket{'' if point['baskets'] == '1' else 's'} known"
        if lead.mean < 0:
            wrong.append(f"{known}, {curve['ours']} falls below {floor} on {score}: {_said(lead)}.")
        if point["gained"] is not None:
            gain = Estimate(**point["gained"][score])
            if gain.mean <= 0:
                wrong.append(f"{known}, {curve['ours']} is no better on {score} than with fewer: {_said(gain)}.")
    return wrong


def table(curve: dict[str, Any], score: str) -> str:
    """The curve of one score as text."""
    methods = list(curve["points"][0]["methods"])
    lines = [f"{score}, {curve['customers']:,} customers; baskets known:"]
    lines.append("".ljust(24) + "".join(point["baskets"].rjust(24) for point in curve["points"]))
    for method in methods:
        cells: Sequence[dict[str, Any]] = [point["methods"][method][score] for point in curve["points"]]
        text = [f"{c['mean']:.4f} ({c['low']:.4f}-{c['high']:.4f})" for c in cells]
        lines.append(method.ljust(24) + "".join(cell.rjust(24) for cell in text))
    return "\n".join(lines)


def _said(estimate: Estimate) -> str:
    return f"{estimate.mean:+.4f}, 95% interval {estimate.low:+.4f} to {estimate.high:+.4f}"
