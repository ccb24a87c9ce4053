"""How good the lists are for customers of whom little is known: history cut to the newest 0, 1, 3, 5, … baskets.

The published features are one row a customer and product, not one a basket;
`scoring.customer.state.CustomerState.newest` says what of a row a cut keeps. In the demo's data 94% of the baskets are
seen of customers with up to five of them in four weeks. Demographics, the home store and the share of discounts stay
(the latter cannot be derived and is a habit, not a purchase); contacts by campaigns are hidden. Without any basket
there is no history: the marked fallback answers.

Nothing of a hidden customer may be known elsewhere either, so the caller has to leave the hidden customers out of what
learns from everybody's purchases at the snapshot (item-to-item, neighbours).
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ml.errors import MLError
from ml.evaluation.baselines import BASELINES, POPULARITY
from ml.evaluation.bootstrap import Estimate, bootstrap, paired_difference
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
"""Hidden customers are left out of what the item-to-item source learned from, a quarter of them at a time."""

HISTORY_LENGTHS: tuple[int | None, ...] = (0, 1, 3, 5, None)
"""Baskets left to see; None: all of them."""


class NotBetterWithHistoryError(MLError):
    """Somewhere on the curve the system falls below popularity, or more history makes it worse."""


def cut(customer: Customer, baskets: int | None) -> Customer:
    """Return the customer with the newest `baskets` baskets alone; unchanged if there are no more than that."""
    return customer if baskets is None else CustomerState(customer).newest(baskets).customer


def label(baskets: int | None) -> str:
    """Return the text for a number of baskets."""
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
    """Return the curve of one score as text."""
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


def cold_start(run: Run, customers: int) -> dict[str, Any]:
    """Leave `cold_start.json` and print the curve.

    Raises NotBetterWithHistoryError, with a sentence, if the system falls below popularity or loses by knowing more.
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
            logger.info(f"part {fold + 1} of {FOLDS}: {len(known):,} customers, {label(baskets)} baskets known")
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
