"""Fit the scorers of audiences: a logistic regression, and the simple rules that it has to beat."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from marketing.audience.index import CATEGORY, PRODUCT
from marketing.audience.inputs import ITEM_INPUTS, NEW_INPUTS, PAST_INPUTS
from marketing.audience.scorers import INPUTS, NEW, PAST, Scorer
from ml.customers.audiences.examples import Cut, ItemExamples

LOGISTIC, FREQUENCY, PARENT_FREQUENCY, SPEND = "logistic", "frequency", "parent frequency", "spend"
METHODS = {
    PAST: {
        LOGISTIC: PAST_INPUTS,
        FREQUENCY: ("own_lately", *ITEM_INPUTS),
        PARENT_FREQUENCY: ("parent_lately", *ITEM_INPUTS),
        SPEND: ("spend_13w", *ITEM_INPUTS),
    },
    NEW: {
        LOGISTIC: NEW_INPUTS,
        PARENT_FREQUENCY: ("parent_lately", *ITEM_INPUTS),
        SPEND: ("spend_13w", *ITEM_INPUTS),
    },
}
"""The inputs of each method. A rule orders the customers of an item by its first input; the others set the level."""

LEAST_BUYERS = 20
"""Items with fewer buyers in four weeks are not fitted on."""

ITEMS_FITTED = 120
CUSTOMERS_FITTED = 3000
"""Customers per item and snapshot; more are sampled, so that memory does not grow with the shop."""

MAILED = 0.17
"""Share of the stores with a product in the planned mailer, from which on it counts as promoted."""

Rows = tuple[np.ndarray, np.ndarray]
Fitted = Mapping[str, Mapping[str, Scorer]]
"""Scorers by kind of buyer, then by method."""


@dataclass(frozen=True)
class TrainingRows:
    """Inputs and outcomes of one kind of item, by kind of buyer."""

    past: Rows
    new: Rows

    @classmethod
    def concatenate(cls, parts: Iterable["TrainingRows"]) -> "TrainingRows":
        """Return the rows of several snapshots together."""
        parts = list(parts)
        return cls(_stack([part.past for part in parts]), _stack([part.new for part in parts]))


def items_to_fit(cut: Cut, kind: str, rng: np.random.Generator) -> list[str]:
    """Return the items to fit on; half of the products are in mailers, because audiences are often for those."""
    found = cut.items(kind, LEAST_BUYERS, len(cut.index.customers))
    if kind == CATEGORY:
        return found[:ITEMS_FITTED]
    mailed = cut.items(kind, LEAST_BUYERS, len(cut.index.customers), MAILED)[: ITEMS_FITTED // 2]
    others = sorted(set(found) - set(mailed))
    return [*mailed, *rng.choice(others, min(len(others), ITEMS_FITTED - len(mailed)), replace=False).tolist()]


def training_rows(cut: Cut, kind: str, rng: np.random.Generator) -> TrainingRows | None:
    """Return the rows of a snapshot to fit on; None if no item has enough buyers."""
    past, new = [], []
    for example in cut.examples(kind, items_to_fit(cut, kind, rng)):
        bought_before, others = example.inputs.is_past, ~example.inputs.is_past
        past.append(_sample((example.inputs.past, example.bought[bought_before]), rng))
        new.append(_sample((example.inputs.new, example.bought[others]), rng))
    return TrainingRows(_stack(past), _stack(new)) if past else None


def fit_methods(rows: TrainingRows, only: str | None = None) -> Fitted:
    """Fit every method on the same rows, or one of them only."""
    by_buyers = {PAST: rows.past, NEW: rows.new}
    return {
        buyers: {
            name: _fit(name, inputs, *by_buyers[buyers], buyers)
            for name, inputs in methods.items()
            if only in (None, name)
        }
        for buyers, methods in METHODS.items()
    }


def probabilities(fitted: Fitted, chosen: Mapping[str, str], example: ItemExamples) -> np.ndarray:
    """Return every active customer's probability by the chosen method of each kind of buyer."""
    found = np.empty(len(example.bought))
    is_past = example.inputs.is_past
    found[is_past] = fitted[PAST][chosen[PAST]].probabilities(example.inputs.past, PAST_INPUTS)
    found[~is_past] = fitted[NEW][chosen[NEW]].probabilities(example.inputs.new, NEW_INPUTS)
    return found


def _fit(method: str, inputs: tuple[str, ...], values: np.ndarray, bought: np.ndarray, buyers: str) -> Scorer:
    selected = values[:, [INPUTS[buyers].index(name) for name in inputs]]
    mean, scale = selected.mean(axis=0, dtype=np.float64), selected.std(axis=0, dtype=np.float64)
    scale = np.where(scale > 0, scale, 1)
    selected = ((selected - mean) / scale).astype(np.float32)
    if bought.all() or not bought.any():
        share = (bought.sum() + 0.5) / (len(bought) + 1)
        weights, intercept = np.zeros(len(inputs)), float(np.log(share / (1 - share)))
    else:
        model = LogisticRegression(max_iter=200, tol=1e-3).fit(selected, bought)
        weights, intercept = model.coef_[0].astype(np.float64), float(model.intercept_[0])
    return Scorer(method, inputs, mean.tolist(), scale.tolist(), weights.tolist(), intercept)


def _sample(rows: Rows, rng: np.random.Generator) -> Rows:
    values, bought = rows
    if len(bought) <= CUSTOMERS_FITTED:
        return rows
    chosen = np.sort(rng.choice(len(bought), CUSTOMERS_FITTED, replace=False))
    return values[chosen], bought[chosen]


def _stack(rows: list[Rows]) -> Rows:
    return np.concatenate([values for values, _ in rows]), np.concatenate([bought for _, bought in rows])


KINDS = (CATEGORY, PRODUCT)
