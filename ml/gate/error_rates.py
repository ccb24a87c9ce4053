"""How often the gate is wrong: it is asked about changes whose right verdict is known, on real lists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ml.evaluation.ground_truth import Slates, Truth, coverages, judge
from ml.evaluation.results import Results
from ml.evaluation.slices import compare
from ml.gate.evidence import Checks, evidence_of
from ml.gate.gate import GateDecision, Policy, decide
from ml.gate.leakage import Purchases, find_leaks
from ml.gate.synthetic_effects import exchanged, leaks, moved, resampled

LOSS, GAIN = -0.010, 0.015
_OURS, _CHAMPION = "challenger", "champion"


@dataclass(frozen=True)
class Window:
    """A run's judged customers, and what of its evidence does not depend on the lists.

    models: lists of models by name; rules: lists of the simple rules by name; assigned: slices of the customers.
    """

    truth: Truth
    models: Mapping[str, Slates]
    rules: Mapping[str, Slates]
    assigned: Mapping[str, np.ndarray]
    checks: Checks

    @cached_property
    def rule_scores(self) -> dict[str, dict[str, np.ndarray]]:
        return {name: judge(self.truth, slates) for name, slates in self.rules.items()}

    def ask(
        self, challenger: Slates, champion: Slates, policy: Policy, seed: int, found: Sequence[str] = ()
    ) -> GateDecision:
        """The gate's verdict on these lists, on evidence that is gathered as in every run."""
        scores = {_OURS: judge(self.truth, challenger), _CHAMPION: judge(self.truth, champion)} | self.rule_scores
        results = Results(
            customer_ids=self.truth.customer_ids,
            scores=scores,
            coverage={_OURS: coverages(challenger)},
            union={},
            ranker=_OURS,
            champion=_CHAMPION,
        )
        checks = replace(self.checks, slices=compare(self.assigned, scores, _OURS))
        return decide(_OURS, evidence_of(results, checks, found, _OURS, _CHAMPION, seed), policy)

    def pair(self, number: int, rng: np.random.Generator) -> tuple[Slates, Slates]:
        """Two sets of lists of which none is better: in turn two draws of one model's, and two models' exchanged."""
        names = list(self.models)
        if len(names) > 1 and number % 2:
            return exchanged(self.models[names[0]], self.models[names[1 + number // 2 % (len(names) - 1)]], rng)
        lists = self.models[names[0]]
        return resampled(lists, rng), resampled(lists, rng)


def error_rates(
    window: Window, purchases: Purchases, policy: Policy, comparisons: int, seed: int
) -> tuple[dict[str, Any], list[str]]:
    """The rates by name, and in sentences what was asked and why the gate kept a champion.

    `comparisons` A/A pairs; half as many losses of 0.010 and gains of 0.015 in `all` NDCG@10, each planted into one of
    such a pair; three leaks, planted where a clean run would be published.
    """
    rng = np.random.default_rng(seed)
    planted = max(1, comparisons // 2)
    equal = [window.ask(*window.pair(number, rng), policy, seed + number) for number in range(comparisons)]
    worse: list[GateDecision] = []
    better: list[GateDecision] = []
    for decisions, by in ((worse, LOSS), (better, GAIN)):
        for number in range(planted):
            one, other = window.pair(number, rng)
            decisions.append(window.ask(moved(window.truth, one, by, rng), other, policy, seed + number))

    one, other = window.pair(0, rng)
    winning = moved(window.truth, one, 2 * GAIN, rng)
    clean = window.ask(winning, other, policy, seed, find_leaks(purchases))
    stopped = {name: window.ask(winning, other, policy, seed, find_leaks(p)) for name, p in leaks(purchases).items()}
    named = [decision for decision in stopped.values() if decision.reasons[0].startswith("Leak:")]

    rates = {
        "aa_comparisons": comparisons,
        "aa_promoted": _share(equal, True),
        "losses_blocked": _share(worse, False),
        "gains_promoted": _share(better, True),
        "leaks_planted": len(stopped),
        "leaks_stopped": len(named) if clean.publish else 0,
    }
    words = [
        f"{len(window.truth.customer_ids):,} customers, models: {', '.join(window.models)}",
        f"{comparisons} comparisons of equals: {_share(equal, True):.1%} promoted",
        f"{planted} losses of {-LOSS:.3f}: {_share(worse, False):.1%} kept out",
        f"{planted} gains of {GAIN:.3f}: {_share(better, True):.1%} let through{_why_not(better)}",
        f"without a leak: {'published' if clean.publish else 'kept out, so leaks show nothing: ' + clean.reasons[0]}",
        *(f"{name}: {decision.reasons[0]}" for name, decision in stopped.items()),
    ]
    return rates, words


def _share(decisions: Sequence[GateDecision], publish: bool) -> float:
    return sum(decision.publish is publish for decision in decisions) / len(decisions)


def _why_not(decisions: Sequence[GateDecision]) -> str:
    kept = [decision.reasons[0] for decision in decisions if not decision.publish]
    return f"; of those kept out the first: {kept[0]}" if kept else ""
