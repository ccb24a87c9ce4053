"""Metrics of candidate sources: their share of the shown products, and what no other source finds."""

from collections.abc import Mapping, Sequence

import numpy as np

from ml.evaluation.ground_truth import GroundTruth, Slates
from ml.metrics import mean
from scoring.candidates.merge import Candidates


def source_contributions(
    truth: GroundTruth,
    slates: Slates,
    candidates: Sequence[Candidates],
    quotas: Mapping[str, int],
    names: Sequence[str],
) -> dict[str, dict[str, float | None]]:
    """Return one row of metrics for each source that has a quota.

    Args:
        truth: Purchases of the customers.
        slates: The model's lists.
        candidates: Each customer's candidates.
        quotas: How many candidates each source may add.
        names: All sources, in the order in which the lists number them.

    Returns:
        By source: `candidates`, the mean number that it put forward per customer, and `only_here_hits`, the purchases
        that no other source put forward. Each of the following has the slate as a prefix, such as `all share`. `share`
        is the share of the first ten ranks that are credited to the source. `bought` is the share of those that were
        bought (None where the source shows nothing). `recall` is the share of the purchases that the source put forward
        before ranking, and `only_here` the share that no other source put forward; both are means over customers.
    """
    listed = {name: [found.ranks[name] < n for found in candidates] for name, n in quotas.items() if n > 0}
    rows: dict[str, dict[str, float | None]] = {}
    for name in listed:
        rows[name] = {"candidates": float(np.mean([proposed.sum() for proposed in listed[name]]))}
    for slate in ("all", "explore"):
        relevant = truth.relevant(slate)
        totals = np.array([len(items) for items in relevant]) + truth.missing
        hits = [np.isin(found.positions, items) for found, items in zip(candidates, relevant, strict=True)]
        by = [sum(listed[name][row].astype(int) for name in listed) for row in range(len(candidates))]
        positions, sources = slates[slate].positions[:, :10], slates[slate].sources[:, :10]
        shown = np.stack([np.isin(row, items) for row, items in zip(positions, relevant, strict=True)])
        for name in listed:
            found = np.array([(hit & proposed).sum() for hit, proposed in zip(hits, listed[name], strict=True)])
            only = np.array(
                [(hit & proposed & (n == 1)).sum() for hit, proposed, n in zip(hits, listed[name], by, strict=True)]
            )
            credited = sources == list(names).index(name)
            rows[name] |= {
                f"{slate} share": float(credited.sum() / max((positions >= 0).sum(), 1)),
                f"{slate} bought": float(shown[credited].mean()) if credited.any() else None,
                f"{slate} recall": _mean_share(found, totals),
                f"{slate} only_here": _mean_share(only, totals),
            }
            if slate == "all":
                rows[name]["only_here_hits"] = float(only.sum())
    return rows


def _mean_share(part: np.ndarray, totals: np.ndarray) -> float:
    evaluable = totals > 0
    return float((part[evaluable] / totals[evaluable]).mean()) if evaluable.any() else 0.0


def candidate_recall(candidates: Sequence[Candidates], truth: GroundTruth) -> dict[str, float]:
    """Return the recall of the candidates before ranking, for `all` and `explore`, and their mean number (`size`)."""
    positions = [found.positions for found in candidates]
    recalls = {"size": float(np.mean([len(found) for found in positions]))}
    return recalls | {part: mean(recall_by_customer(positions, truth, part)) for part in ("all", "explore")}


def recall_by_customer(candidates: Sequence[np.ndarray], truth: GroundTruth, part: str) -> np.ndarray:
    """Return each customer's share of purchases that are among the candidates, NaN without purchases.

    Args:
        candidates: The catalogue indices of each customer's candidates.
        truth: Purchases of the customers.
        part: `all`, `repeat` or `explore`.
    """
    relevant = truth.relevant(part)
    totals = np.array([len(items) for items in relevant]) + truth.missing
    found = np.array([np.isin(bought, items).sum() for bought, items in zip(relevant, candidates, strict=True)])
    return np.where(totals > 0, found / np.maximum(totals, 1), np.nan)
