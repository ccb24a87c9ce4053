"""Measure the gate's own error rates, on real lists with changes whose correct verdict is known."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ml.errors import ConfigError
from ml.evaluation.baselines import BASELINES
from ml.evaluation.evaluated_run import CHALLENGER, EvaluatedRun
from ml.evaluation.ground_truth import GroundTruth, Slates, coverages, evaluate_lists
from ml.evaluation.results import Results, load_lists
from ml.evaluation.slices import assign_slices, compare_slices
from ml.gate.evidence import EvaluationChecks, evidence_of
from ml.gate.gate import GateDecision, decide
from ml.gate.leakage import find_leaks
from ml.gate.policy import Policy, load_policy
from ml.gate.purchase_evidence import PurchaseEvidence
from ml.gate.synthetic_effects import inject_leaks, resample, shift_metric, swap_lists
from ml.runs import artifacts
from ml.runs.run import Run
from ml.runs.spec import RunSpec
from scoring.bundle import VOCABULARY
from scoring.vocabulary import Vocabulary

logger = logging.getLogger(__name__)

LOSS, GAIN = -0.010, 0.015
_OURS, _CHAMPION = "challenger", "champion"


@dataclass(frozen=True)
class GateExperiment:
    """Hold a run's evaluated customers, and the part of its evidence that does not depend on the lists.

    Attributes:
        truth: Purchases of the customers.
        models: Lists of models, by name.
        rules: Lists of the baselines, by name.
        assigned: The slices of the customers.
        checks: The run's checks, whose slices are computed again for changed lists.
    """

    truth: GroundTruth
    models: Mapping[str, Slates]
    rules: Mapping[str, Slates]
    assigned: Mapping[str, np.ndarray]
    checks: EvaluationChecks

    @cached_property
    def rule_scores(self) -> dict[str, dict[str, np.ndarray]]:
        """Return the baselines' scores."""
        return {name: evaluate_lists(self.truth, slates) for name, slates in self.rules.items()}

    def ask(
        self, challenger: Slates, champion: Slates, policy: Policy, seed: int, found: Sequence[str] = ()
    ) -> GateDecision:
        """Return the gate's decision on these lists, on evidence that is gathered as in every run."""
        scores = {
            _OURS: evaluate_lists(self.truth, challenger),
            _CHAMPION: evaluate_lists(self.truth, champion),
        } | self.rule_scores
        results = Results(
            customer_ids=self.truth.customer_ids,
            scores=scores,
            coverage={_OURS: coverages(challenger)},
            candidate_recall={},
            ranker=_OURS,
            champion=_CHAMPION,
        )
        checks = replace(self.checks, slices=compare_slices(self.assigned, scores, _OURS))
        return decide(_OURS, evidence_of(results, checks, found, _OURS, _CHAMPION, seed), policy)

    def pair(self, number: int, rng: np.random.Generator) -> tuple[Slates, Slates]:
        """Return two sets of equally good lists.

        Even numbers give two draws of one model's lists, odd numbers two models' swapped lists.
        """
        names = list(self.models)
        if len(names) > 1 and number % 2:
            return swap_lists(self.models[names[0]], self.models[names[1 + number // 2 % (len(names) - 1)]], rng)
        lists = self.models[names[0]]
        return resample(lists, rng), resample(lists, rng)


def error_rates(
    window: GateExperiment, purchases: PurchaseEvidence, policy: Policy, comparisons: int, seed: int
) -> tuple[dict[str, Any], list[str]]:
    """Measure the error rates of the gate.

    `comparisons` A/A pairs are compared; half as many losses of 0.010 and gains of 0.015 in `all` NDCG@10, each
    applied to one of such a pair; three leaks, injected where a clean run would be published.

    Returns:
        The rates by name, and sentences on what was compared and why the gate kept a champion.
    """
    rng = np.random.default_rng(seed)
    planted = max(1, comparisons // 2)
    equal = [window.ask(*window.pair(number, rng), policy, seed + number) for number in range(comparisons)]
    worse: list[GateDecision] = []
    better: list[GateDecision] = []
    for decisions, by in ((worse, LOSS), (better, GAIN)):
        for number in range(planted):
            one, other = window.pair(number, rng)
            decisions.append(window.ask(shift_metric(window.truth, one, by, rng), other, policy, seed + number))

    one, other = window.pair(0, rng)
    winning = shift_metric(window.truth, one, 2 * GAIN, rng)
    clean = window.ask(winning, other, policy, seed, find_leaks(purchases))
    stopped = {
        name: window.ask(winning, other, policy, seed, find_leaks(p)) for name, p in inject_leaks(purchases).items()
    }
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


def gate_check(run: Run, replicate: Run | None, comparisons: int) -> dict[str, Any]:
    """Measure the gate's error rates on the lists of a finished run.

    Args:
        run: The finished run.
        replicate: A run of the same window with another seed, whose lists are then compared with the run's own.
        comparisons: How many pairs of equals are compared.

    Raises:
        ConfigError: `comparisons` is not positive, or the replicate has another evaluation window.
    """
    if comparisons < 1:
        raise ConfigError(f"--comparisons is {comparisons}; it must be at least 1.")
    evaluated = EvaluatedRun.at_snapshot(run)
    spec, catalogue = evaluated.spec, evaluated.catalogue()
    window = evaluated.evaluation_set(catalogue)
    customer_ids = window.truth.customer_ids
    methods = load_lists(run.path(artifacts.LISTS), customer_ids, catalogue.product_ids)
    models = {name: slates for name, slates in methods.items() if name not in BASELINES}
    if replicate is not None:
        if RunSpec.read(replicate).split.evaluation != spec.split.evaluation:
            raise ConfigError(
                f"Run '{replicate.run_id}' has another evaluation window than '{run.run_id}'. "
                f"Choose a run of the same window."
            )
        lists = load_lists(replicate.path(artifacts.LISTS), customer_ids, catalogue.product_ids)
        models = {
            CHALLENGER: models[CHALLENGER],
            f"{CHALLENGER} of {replicate.run_id}": lists[CHALLENGER],
        }
    block = window.batch(catalogue)
    departments = Vocabulary.load(run.path(artifacts.RETRIEVAL) / VOCABULARY).values["department"]
    rates, words = error_rates(
        GateExperiment(
            truth=window.truth,
            models=models,
            rules={name: methods[name] for name in BASELINES},
            assigned=assign_slices(block, departments),
            checks=EvaluationChecks.load(run.path(artifacts.EVALUATION)),
        ),
        PurchaseEvidence.read(run.path(artifacts.DATASET), spec.split, spec.config.training_windows.horizon),
        load_policy(),
        comparisons,
        spec.seed,
    )
    logger.info("\n".join(words))
    return rates
