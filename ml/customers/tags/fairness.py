"""How the accuracy of tags differs between known groups of customers."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ml.customers.evaluation import auc
from ml.customers.tags.kinds import Statement
from ml.customers.tags.known import Profiles

LEAST_CUSTOMERS = 40
LEAST_OF_EACH = 10

Row = Mapping[str, str | float | None]


def groups_of(profiles: Profiles, statements: Sequence[Statement]) -> dict[str, set[str]]:
    """Return the customers of each known group: by the fields that they gave, and by their number of baskets."""
    found: dict[str, set[str]] = {}
    for statement in statements:
        for customer, answer in zip(profiles.ids, profiles.answers(statement), strict=True):
            if answer is not None:
                found.setdefault(f"{statement.name} = {'yes' if answer else 'no'}", set()).add(customer)
    scored = profiles.is_scored
    if scored.any():
        edges = np.quantile(profiles.baskets[scored], [1 / 3, 2 / 3])
        names = ("few baskets", "medium baskets", "many baskets")
        for customer, index in zip(
            np.asarray(profiles.ids)[scored], np.searchsorted(edges, profiles.baskets[scored]), strict=True
        ):
            found.setdefault(names[int(index)], set()).add(str(customer))
    return found


def by_group(
    tag: str,
    measure: str,
    ids: Sequence[str],
    figure: Callable[[np.ndarray], float],
    groups: Mapping[str, set[str]],
) -> list[Row]:
    """Return one row per group that is large enough, with the figure over its customers and over all.

    Args:
        tag: the tag's name.
        measure: what the figure is.
        ids: customer of each example.
        figure: of the examples at these indices, int `[k]`; NaN if there is none.
        groups: customers by group.
    """
    everybody = figure(np.arange(len(ids)))
    rows: list[Row] = []
    for group, members in groups.items():
        if group.startswith(f"{tag} = "):  # within one answer there is nothing to separate
            continue
        indices = np.flatnonzero([customer in members for customer in ids])
        customers = len({ids[index] for index in indices.tolist()})
        value = figure(indices) if customers >= LEAST_CUSTOMERS else float("nan")
        if np.isfinite(value):
            rows.append(
                {
                    "tag": tag,
                    "group": group,
                    "customers": customers,
                    "measure": measure,
                    "value": value,
                    "all": everybody,
                    "difference": value - everybody,
                }
            )
    return rows


def auc_of(predicted: np.ndarray, true: np.ndarray) -> Callable[[np.ndarray], float]:
    """Return the AUC over some examples; NaN if one of the answers is too rare among them."""

    def figure(indices: np.ndarray) -> float:
        positive = int(true[indices].sum())
        enough = min(positive, len(indices) - positive) >= LEAST_OF_EACH
        return auc(predicted[indices], true[indices]) if enough else float("nan")

    return figure


def gap_of(predicted: np.ndarray, true: np.ndarray) -> Callable[[np.ndarray], float]:
    """Return mean prediction minus observed share over some examples."""
    return lambda indices: float(predicted[indices].mean() - true[indices].mean())
