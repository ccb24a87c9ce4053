"""Customer × product features: the one function that training, evaluation, batch and the service share."""

import numpy as np

from scoring.candidates import Candidates
from scoring.schema import ACTIVITY, CONTENT, HISTORY, PROFILE
from scoring.sources import Block

NEVER_DAYS = 999.0
"""Days since something that never happened."""

LEVELS = {
    "line": "line",
    "type": "product_type",
    "category": "category",
    "department": "department",
    "maker": "manufacturer_id",
}
"""The customer's affinity is measured at each of these levels of the catalogue."""

_AFFINITY = ("decayed_20d", "decayed_120d", "baskets_13w", "products", "days_since_last", "due")
SCORED = (
    "two_tower",
    "item_to_item",
    "neighbours",
    "factors",
    "type_affinity",
    "coming_mailer",
)
RANKED = (
    "repeats",
    "two_tower",
    "item_to_item",
    "neighbours",
    "type_affinity",
    "substitutes",
    "popular",
    "trend",
    "coming_mailer",
)

NUMERIC = (
    "is_own",
    *(f"own_{name}" for name in HISTORY),
    "own_basket_share",
    "own_due",
    "own_gap_regularity",
    "own_in_last_basket",
    "own_share_of_type",
    "own_price_ratio",
    *(f"{level}_{name}" for level in LEVELS for name in _AFFINITY),
    "brand_share",
    *(f"product_{name}" for name in ACTIVITY),
    "product_popularity",
    "product_share_in_line",
    *(f"score_{name}" for name in SCORED),
    *(f"rank_{name}" for name in RANKED),
    *(f"customer_{name}" for name in PROFILE),
)
"""Names of the numeric features, in the order of the columns."""

CATEGORICAL = tuple(CONTENT)
"""Names of the categorical features (vocabulary numbers), in the order of the columns."""

FAMILIES = {name: name.split("_")[0] for name in NUMERIC}
"""The family of each feature, for ablations: own, type, category, department, maker, brand, product, …"""


def cross_features(block: Block, row: int, candidates: Candidates) -> tuple[np.ndarray, np.ndarray]:
    """Features of one customer's candidates.

    Returns numeric float32 `[candidates, len(NUMERIC)]` and categorical int32 `[candidates, len(CATEGORICAL)]`.
    """
    catalogue = block.catalogue
    chosen = candidates.positions
    columns: dict[str, np.ndarray | float] = {"is_own": candidates.is_own}
    profile = block.customers[row].profile

    place = np.full(len(catalogue), -1, np.int64)
    place[block.positions[row]] = np.arange(len(block.positions[row]))
    mine = place[chosen]
    bought = mine >= 0
    own = {}
    for name in HISTORY:
        default = NEVER_DAYS if name.startswith("days_since") else 0.0
        own[name] = np.full(len(chosen), default, np.float32)
        own[name][bought] = block.own(row, name)[mine[bought]]
        columns[f"own_{name}"] = own[name]
    columns["own_basket_share"] = own["baskets"] / max(profile["baskets"], 1.0)
    columns["own_due"] = _due(own["days_since_last"], own["gap_mean_days"])
    columns["own_gap_regularity"] = own["gap_std_days"] / np.maximum(own["gap_mean_days"], 1.0)
    columns["own_in_last_basket"] = own["days_since_last"] <= profile["days_since_last_basket"] + 0.01
    unit_price = own["spend"] / np.maximum(own["quantity"], 1.0)
    price = catalogue.column("price")[chosen]
    columns["own_price_ratio"] = np.where(bought & (unit_price > 0), price / np.maximum(unit_price, 0.01), 1.0)

    for level, field in LEVELS.items():
        codes = catalogue.lines if field == "line" else catalogue.codes[field]
        affinity = _affinity(block, row, codes, chosen)
        columns |= {f"{level}_{name}": affinity[name] for name in _AFFINITY}
    columns["own_share_of_type"] = own["decayed_120d"] / np.maximum(columns["type_decayed_120d"], 1e-6)
    brand = catalogue.codes["brand"]
    weight = np.bincount(brand[block.positions[row]], block.own(row, "decayed_120d"), minlength=brand.max() + 1)
    columns["brand_share"] = (weight / max(weight.sum(), 1e-9))[brand[chosen]]

    activity = catalogue.activity[chosen]
    columns |= {f"product_{name}": activity[:, i] for i, name in enumerate(ACTIVITY)}
    columns["product_popularity"] = catalogue.popularity_share[chosen]
    columns["product_share_in_line"] = catalogue.share_in_line[chosen]
    # A source that is switched off says the same of every product.
    columns |= {f"score_{name}": candidates.scores.get(name, 0.0) for name in SCORED}
    columns |= {f"rank_{name}": candidates.ranks.get(name, 0.0) for name in RANKED}
    columns |= {f"customer_{name}": profile[name] for name in PROFILE}

    numeric = np.empty((len(chosen), len(NUMERIC)), np.float32)
    for i, name in enumerate(NUMERIC):
        numeric[:, i] = columns[name]
    categorical = np.column_stack([catalogue.codes[field][chosen] for field in CATEGORICAL]).astype(np.int32)
    return numeric, categorical


def _due(days_since_last: np.ndarray, gap_mean_days: np.ndarray) -> np.ndarray:
    """Time since the last purchase over the usual gap: about 1 when the next one is due; 0 if no gap is known."""
    ratio = days_since_last / np.maximum(gap_mean_days, 1.0)
    return np.where(gap_mean_days > 0, np.minimum(ratio, 20.0), 0.0)


def _affinity(block: Block, row: int, codes: np.ndarray, chosen: np.ndarray) -> dict[str, np.ndarray]:
    """What the customer bought among the products that share a candidate's code, each `[candidates]`."""
    mine, size = codes[block.positions[row]], int(codes.max()) + 1
    totals = {
        name: np.bincount(mine, block.own(row, name), minlength=size).astype(np.float32)
        for name in ("decayed_20d", "decayed_120d", "baskets_13w", "baskets")
    }
    last = np.full(size, NEVER_DAYS, np.float32)
    np.minimum.at(last, mine, block.own(row, "days_since_last"))
    first = np.zeros(size, np.float32)
    np.maximum.at(first, mine, block.own(row, "days_since_first"))
    gap = np.where(totals["baskets"] > 1, (first - last) / np.maximum(totals["baskets"] - 1, 1.0), 0.0)
    totals["products"] = np.bincount(mine, minlength=size).astype(np.float32)
    totals["days_since_last"] = last
    totals["due"] = _due(last, gap)
    at = codes[chosen]
    return {
        name: np.where(at > 0, totals[name][at], NEVER_DAYS if name == "days_since_last" else 0.0) for name in _AFFINITY
    }
