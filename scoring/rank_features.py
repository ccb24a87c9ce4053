"""Customer × product features, from one function for training, evaluation, batch and the service."""

from collections.abc import Mapping, Sequence

import numpy as np

from scoring.candidates.customer_batch import CustomerBatch
from scoring.candidates.merge import Candidates
from scoring.candidates.sources import SOURCES
from scoring.catalogue import LEVELS, Catalogue
from scoring.schema import ACTIVITY, CONTENT, HISTORY, PROFILE

NO_EVENT_DAYS = 999.0
"""Days since an event that never happened."""

_AFFINITY = ("decayed_20d", "decayed_120d", "baskets_13w", "products", "days_since_last", "due_ratio")
SCORE_FEATURES = tuple(name for name, source in SOURCES.items() if source.has_score_feature)
"""Sources whose score of a candidate the ranker reads."""

RANK_FEATURES = tuple(name for name, source in SOURCES.items() if source.has_rank_feature)
"""Sources whose rank of a candidate the ranker reads."""

SOURCE_COLUMNS = frozenset((*(f"score_{name}" for name in SCORE_FEATURES), *(f"rank_{name}" for name in RANK_FEATURES)))
"""The numeric features that come from candidate sources."""

NUMERIC = (
    "is_repeat",
    *(f"repeat_{name}" for name in HISTORY),
    "repeat_basket_share",
    "repeat_due_ratio",
    "repeat_gap_regularity",
    "repeat_in_last_basket",
    "repeat_share_of_type",
    "repeat_price_ratio",
    *(f"{level}_{name}" for level in LEVELS for name in _AFFINITY),
    "brand_share",
    *(f"product_{name}" for name in ACTIVITY),
    "product_popularity",
    "product_share_in_line",
    *(f"score_{name}" for name in SCORE_FEATURES),
    *(f"rank_{name}" for name in RANK_FEATURES),
    *(f"customer_{name}" for name in PROFILE),
)
"""Names of the numeric features, in the order of the columns."""

CATEGORICAL = CONTENT
"""Names of the categorical features (vocabulary numbers), in the order of the columns."""

FEATURE_GROUPS = {name: name.split("_")[0] for name in NUMERIC}
"""The group of each feature, for ablations: repeat, type, category, department, manufacturer, brand, product, …"""


_COLUMN = {name: i for i, name in enumerate(NUMERIC)}


def _columns(names: Sequence[str]) -> slice:
    """Return the columns of adjacent features."""
    return slice(_COLUMN[names[0]], _COLUMN[names[-1]] + 1)


_OWN = _columns([f"repeat_{name}" for name in HISTORY])
_LEVELS = _columns([f"{level}_{name}" for level in LEVELS for name in _AFFINITY])
_PRODUCT = _columns([f"product_{name}" for name in ACTIVITY])
_CUSTOMER = _columns([f"customer_{name}" for name in PROFILE])
_NEVER_OWN = np.array([NO_EVENT_DAYS if name.startswith("days_since") else 0.0 for name in HISTORY], np.float32)
_NEVER_AFFINITY = np.array([NO_EVENT_DAYS if name == "days_since_last" else 0.0 for name in _AFFINITY], np.float32)


def cross_features(batch: CustomerBatch, row: int, candidates: Candidates) -> tuple[np.ndarray, np.ndarray]:
    """Compute the features of one customer's candidates.

    Returns:
        Numeric features, float32 `[candidates, len(NUMERIC)]`, and categorical ones, int32
        `[candidates, len(CATEGORICAL)]`.
    """
    catalogue, profile = batch.catalogue, batch.customers[row].profile
    chosen, positions = candidates.positions, batch.positions[row]
    history = {name: batch.history(row, name) for name in HISTORY}
    numeric = np.empty((len(chosen), len(NUMERIC)), np.float32)

    def put(name: str, values: np.ndarray | float) -> None:
        numeric[:, _COLUMN[name]] = values

    index = batch.index_of_purchased(row, chosen)
    bought = index >= 0
    # The last row is for products never bought, whose index is -1.
    numeric[:, _OWN] = np.vstack([np.column_stack([history[name] for name in HISTORY]), _NEVER_OWN])[index]
    own = {name: numeric[:, _OWN.start + i] for i, name in enumerate(HISTORY)}
    put("is_repeat", candidates.is_repeat)
    put("repeat_basket_share", own["baskets"] / max(profile["baskets"], 1.0))
    put("repeat_due_ratio", _purchase_due_ratio(own["days_since_last"], own["gap_mean_days"]))
    put("repeat_gap_regularity", own["gap_std_days"] / np.maximum(own["gap_mean_days"], 1.0))
    put("repeat_in_last_basket", own["days_since_last"] <= profile["days_since_last_basket"] + 0.01)
    unit_price = own["spend"] / np.maximum(own["quantity"], 1.0)
    price = catalogue.column("price")[chosen]
    put("repeat_price_ratio", np.where(bought & (unit_price > 0), price / np.maximum(unit_price, 0.01), 1.0))

    numeric[:, _LEVELS] = _affinity(catalogue, positions, history, chosen).reshape(
        len(chosen), len(LEVELS) * len(_AFFINITY)
    )
    put("repeat_share_of_type", own["decayed_120d"] / np.maximum(numeric[:, _COLUMN["type_decayed_120d"]], 1e-6))
    brand = catalogue.codes["brand"]
    weight = np.bincount(brand[positions], history["decayed_120d"], minlength=int(brand[chosen].max(initial=0)) + 1)
    put("brand_share", (weight / max(weight.sum(), 1e-9))[brand[chosen]])

    numeric[:, _PRODUCT] = catalogue.activity[chosen]
    put("product_popularity", catalogue.popularity_share[chosen])
    put("product_share_in_line", catalogue.share_in_line[chosen])
    # A source that is off has the same value for every product.
    for name in SCORE_FEATURES:
        put(f"score_{name}", candidates.scores.get(name, 0.0))
    for name in RANK_FEATURES:
        put(f"rank_{name}", candidates.ranks.get(name, 0.0))
    numeric[:, _CUSTOMER] = [profile[name] for name in PROFILE]
    return numeric, catalogue.categorical[chosen]


def _purchase_due_ratio(days_since_last: np.ndarray, gap_mean_days: np.ndarray) -> np.ndarray:
    """Return the time since the last purchase over the usual gap: about 1 when one is due, 0 without a known gap."""
    ratio = days_since_last / np.maximum(gap_mean_days, 1.0)
    return np.where(gap_mean_days > 0, np.minimum(ratio, 20.0), 0.0)


def _affinity(
    catalogue: Catalogue, positions: np.ndarray, history: Mapping[str, np.ndarray], chosen: np.ndarray
) -> np.ndarray:
    """Sum what the customer bought among the products that share a candidate's code, at each of `LEVELS`.

    Args:
        catalogue: The products.
        positions: The purchased products, `[purchased]`.
        history: Their history, `[purchased]` each.
        chosen: The candidates.

    Returns:
        float32 `[candidates, levels, len(_AFFINITY)]`.
    """
    levels, known = catalogue.levels
    codes = levels[positions].ravel()
    own, n = len(positions), len(codes)
    # Groups are numbered by the last of their members, which needs no sorting; n stands for every other code.
    group = np.full(len(known), n, np.int32)
    group[codes] = np.arange(n, dtype=np.int32)
    member = group[codes]
    of = np.repeat(np.arange(own), len(LEVELS))

    def total(name: str) -> np.ndarray:
        return np.bincount(member, history[name][of], minlength=n).astype(np.float32)

    baskets = total("baskets")
    last, first = np.full(n, NO_EVENT_DAYS, np.float32), np.zeros(n, np.float32)
    np.minimum.at(last, member, history["days_since_last"][of])
    np.maximum.at(first, member, history["days_since_first"][of])
    gap = np.where(baskets > 1, (first - last) / np.maximum(baskets - 1, 1.0), 0.0)
    table = {name: total(name) for name in ("decayed_20d", "decayed_120d", "baskets_13w")}
    table |= {
        "products": np.bincount(member, minlength=n),
        "days_since_last": last,
        "due_ratio": _purchase_due_ratio(last, gap),
    }
    values = np.vstack([np.column_stack([table[name] for name in _AFFINITY]).astype(np.float32), _NEVER_AFFINITY])
    group[~known] = n
    affinity: np.ndarray = values[group[levels[chosen]]]
    return affinity
