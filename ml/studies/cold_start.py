"""Evaluate lists for customers with little history: histories truncated to the newest 0, 1, 3, 5, … baskets.

The published features have one row per customer and product, not per basket. `CustomerState.newest` in
`scoring.customer.state` defines which part of a row stays. In the demo's data, 94% of the baskets belong to customers
with up to five baskets in four weeks. Demographics, the home store and the share of discounts stay, because the share
is a habit that cannot be derived from the remaining baskets. Campaign contacts are hidden. Without any basket there is
no history, so the fallback answers.

The hidden purchases must not be used elsewhere. So the models fitted at the snapshot on all purchases (item-to-item,
user-kNN) leave out the hidden customers.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiments.bootstrap import Estimate, bootstrap, paired_difference
from ml.errors import MLError
from ml.evaluation.baselines import BASELINES, POPULARITY
from ml.evaluation.evaluated_run import CHALLENGER, EvaluatedRun, recommend_lists
from ml.evaluation.ground_truth import evaluate_lists
from ml.report.write import refresh_report
from ml.runs import artifacts
from ml.runs.run import Run
from scoring.candidates.customer_batch import CustomerBatch
from scoring.customer.customer import Customer
from scoring.customer.state import CustomerState

logger = logging.getLogger(__name__)

SCORES = ("all NDCG@10", "all Recall@20")
FOLDS = 4
"""Number of groups of hidden customers. The models fitted at the snapshot leave out one group at a time."""

HISTORY_LENGTHS: tuple[int | None, ...] = (0, 1, 3, 5, None)
"""Numbers of newest baskets that stay; None: all."""


class NotBetterWithHistoryError(MLError):
    """The system is below popularity at a point of the curve, or more history makes it worse."""


def cut(customer: Customer, baskets: int | None) -> Customer:
    """Return the customer with only the newest `baskets` baskets; unchanged if there are at most that many."""
    return customer if baskets is None else CustomerState(customer).newest(baskets).customer


def label(baskets: int | None) -> str:
    """Return the text for a number of baskets."""
    return "all" if baskets is None else str(baskets)


Curve = Mapping[int | None, Mapping[str, Mapping[str, np.ndarray]]]
"""One number per customer, by remaining baskets (ascending), method and score; the customers are always the same."""


def summary(curve: Curve, ours: str, seed: int) -> dict[str, Any]:
    """Summarise the curve as JSON values.

    Args:
        curve: Scores of every customer.
        ours: The method that is compared with the others.
        seed: Seed of the resamples.

    Returns:
        `customers`, `scores`, `ours` and `points`. A point has `baskets`, `methods` (means with intervals), `against`
        (paired differences to the other methods) and `gained` (paired difference to the point before).
    """
    points, before = [], None
    for baskets, methods in curve.items():
        scores = methods[ours]
        points.append(
            {
                "baskets": label(baskets),
                "methods": {m: {s: vars(bootstrap(v, seed)) for s, v in of.items()} for m, of in methods.items()},
                "against": {
                    other: {name: vars(paired_difference(scores[name], values, seed)) for name, values in of.items()}
                    for other, of in methods.items()
                    if other != ours
                },
                "gained": None
                if before is None
                else {name: vars(paired_difference(values, before[name], seed)) for name, values in scores.items()},
            }
        )
        before = scores
    first = next(iter(next(iter(curve.values())).values()))
    return {"customers": len(next(iter(first.values()))), "scores": list(first), "ours": ours, "points": points}


def findings(curve: dict[str, Any], score: str, floor: str) -> list[str]:
    """Return a sentence for each point where the system is below `floor`, or where more history makes it worse.

    The means are compared without their intervals, because on the same customers any loss is a loss. Equality with
    `floor` passes, because the fallback answers customers without history.

    Args:
        curve: The result of `summary`.
        score: The compared score.
        floor: The baseline.
    """
    wrong = []
    for point in curve["points"]:
        lead = Estimate(**point["against"][floor][score])
        history = f"With a history of {point['baskets']} basket{'' if point['baskets'] == '1' else 's'}"
        if lead.mean < 0:
            wrong.append(f"{history}, {curve['ours']} falls below {floor} on {score}: {_with_interval(lead)}.")
        if point["gained"] is not None:
            gain = Estimate(**point["gained"][score])
            if gain.mean <= 0:
                wrong.append(
                    f"{history}, {curve['ours']} is not better on {score} than with fewer: {_with_interval(gain)}."
                )
    return wrong


def table(curve: dict[str, Any], score: str) -> str:
    """Return the curve of one score as text."""
    methods = list(curve["points"][0]["methods"])
    lines = [f"{score}, {curve['customers']:,} customers; baskets in the history:"]
    lines.append("".ljust(24) + "".join(point["baskets"].rjust(24) for point in curve["points"]))
    for method in methods:
        cells: Sequence[dict[str, Any]] = [point["methods"][method][score] for point in curve["points"]]
        text = [f"{c['mean']:.4f} ({c['low']:.4f}-{c['high']:.4f})" for c in cells]
        lines.append(method.ljust(24) + "".join(cell.rjust(24) for cell in text))
    return "\n".join(lines)


def _with_interval(estimate: Estimate) -> str:
    return f"{estimate.mean:+.4f}, 95% interval {estimate.low:+.4f} to {estimate.high:+.4f}"


def cold_start(run: Run, customers: int) -> dict[str, Any]:
    """Write `cold_start.json` and log the curve.

    Args:
        run: An evaluated run.
        customers: Size of the sample of evaluated customers.

    Returns:
        The number of customers, and the system's mean of the first score by remaining baskets.

    Raises:
        NotBetterWithHistoryError: The system is below popularity, or more history makes it worse.
    """
    evaluated = EvaluatedRun.of(run, customers)
    index = {customer_id: row for row, customer_id in enumerate(evaluated.ids)}
    names = list(evaluated.labels)
    parts: dict[int | None, dict[str, dict[str, list[np.ndarray]]]] = {baskets: {} for baskets in HISTORY_LENGTHS}
    for fold in range(FOLDS):
        hidden = names[fold::FOLDS]
        if not hidden:
            continue
        rows = {index[customer_id] for customer_id in hidden}
        system = evaluated.system([customer for row, customer in enumerate(evaluated.everyone) if row not in rows])
        hidden_set = evaluated.restricted_to(hidden).evaluation_set(system.catalogue)
        people, truth = hidden_set.customers, hidden_set.truth
        for baskets in HISTORY_LENGTHS:
            known = [cut(customer, baskets) for customer in people]
            shown, _ = recommend_lists(system.recommender, known)
            block = CustomerBatch.of(known, system.catalogue, np.zeros((len(known), 0), np.float32))
            for method, slates in (
                {CHALLENGER: shown} | {name: rule(block) for name, rule in BASELINES.items()}
            ).items():
                for score, values in evaluate_lists(truth, slates).items():
                    if score in SCORES:
                        parts[baskets].setdefault(method, {}).setdefault(score, []).append(values)
            logger.info(f"part {fold + 1} of {FOLDS}: {len(known):,} customers, {label(baskets)} baskets")
    curve = summary(
        {
            baskets: {m: {s: np.concatenate(values) for s, values in of.items()} for m, of in methods.items()}
            for baskets, methods in parts.items()
        },
        CHALLENGER,
        evaluated.spec.seed,
    )
    wrong = findings(curve, SCORES[0], POPULARITY)
    run.write_json(artifacts.COLD_START, curve | {"findings": wrong})
    refresh_report(run)
    for score in SCORES:
        logger.info(table(curve, score))
    if wrong:
        raise NotBetterWithHistoryError(" ".join(wrong))
    return {
        "customers": curve["customers"],
        SCORES[0]: {p["baskets"]: round(p["methods"][CHALLENGER][SCORES[0]]["mean"], 4) for p in curve["points"]},
    }
