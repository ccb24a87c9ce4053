"""Select the customer groups that a baseline should serve, because the model serves them worse.

Fallbacks must not be selected on the lists that the gate evaluates, because the gate would then evaluate its own
choice. The ranker's training snapshots cannot be used either, because a model looks best where it learned. So the
evaluated customers are halved at random. The customers of each half are evaluated on lists under the fallbacks that
the other half's evidence selected. The bundle then gets the fallbacks that all of the evidence selects, by the same
procedure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ml.evaluation.baselines import OWN_FREQUENCY, POPULARITY
from ml.evaluation.ground_truth import RankedLists, Slates
from ml.evaluation.slices import MIN_SLICE_CUSTOMERS, difference
from scoring.customer.customer import Customer
from scoring.models.ranker import Slate
from scoring.reranking.group_fallback import CUSTOMER_GROUPS, GroupFallback

MAX_P_WORSE = 0.1
"""The baseline serves a group if the one-sided p-value for "the model is worse" is below this value.

It is not corrected for multiple tests, because a wrongly chosen baseline costs little where both are about equally
good. The gate tests more strictly afterwards."""

_QUESTIONS: Mapping[Slate, tuple[str, str]] = {
    "all": (OWN_FREQUENCY, "all NDCG@10"),
    "explore": (POPULARITY, "explore Recall@100"),
}

Scores = Mapping[str, Mapping[str, np.ndarray]]


def choose_fallbacks(
    customers: Sequence[Customer], scores: Scores, ours: str, among: np.ndarray
) -> list[GroupFallback]:
    """Choose fallbacks by the evidence of some customers.

    Args:
        customers: The evaluated customers.
        scores: Scores by method and score name, `[customers]`.
        ours: The method that a baseline may replace.
        among: The customers whose evidence counts, bool `[customers]`.
    """
    fallbacks = []
    for group, value_of in CUSTOMER_GROUPS.items():
        values = np.array([value_of(customer) for customer in customers])
        for value in sorted(set(values.tolist())):
            for slate, (baseline, score) in _QUESTIONS.items():
                differences = (scores[ours][score] - scores[baseline][score])[among & (values == value)]
                differences = differences[~np.isnan(differences)]
                if len(differences) < MIN_SLICE_CUSTOMERS // 2:
                    continue
                found = difference(differences)
                if found.p_worse < MAX_P_WORSE:
                    reason = (
                        f"{ours} {found.mean:+.4f} against {baseline} on {score}, 95% interval {found.low:+.4f} to "
                        f"{found.high:+.4f}, {len(differences):,} customers"
                    )
                    fallbacks.append(GroupFallback(slate=slate, group=group, value=value, reason=reason))
    return fallbacks


def select_fallbacks(
    customers: Sequence[Customer], methods: Mapping[str, Slates], scores: Scores, ours: str, seed: int
) -> tuple[Slates, list[GroupFallback]]:
    """Return our lists with fallbacks applied for the evaluation, and the fallbacks to register with the model."""
    first = np.random.default_rng(seed).random(len(customers)) < 0.5
    slates = dict(methods[ours])
    for half in (first, ~first):
        for chosen in choose_fallbacks(customers, scores, ours, among=~half):
            rows = half & np.array([chosen.applies_to(customer, chosen.slate) for customer in customers])
            slates[chosen.slate] = _served_by(methods[OWN_FREQUENCY], slates, chosen.slate, rows)
    return slates, choose_fallbacks(customers, scores, ours, among=np.ones(len(customers), bool))


def _served_by(baseline: Slates, slates: Slates, slate: Slate, rows: np.ndarray) -> RankedLists:
    model_lists, baseline_lists = slates[slate], baseline[slate]
    return replace(
        model_lists,
        positions=np.where(rows[:, None], baseline_lists.positions, model_lists.positions),
        scores=np.where(rows[:, None], baseline_lists.scores, model_lists.scores),
        sources=np.where(rows[:, None], baseline_lists.sources, model_lists.sources),
    )
