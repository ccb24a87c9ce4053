"""Judge the system on the same customers and window with their history cut to the newest few baskets."""

from typing import Any

import numpy as np

from ml.evaluation.baselines import BASELINES, POPULARITY
from ml.evaluation.evaluated_run import Judged
from ml.evaluation.ground_truth import judge
from ml.runs import artifacts
from ml.runs.run import Run
from ml.steps.evaluate import CHALLENGER, recommended
from ml.steps.report import refresh_report
from ml.studies.shortened_histories import CUTS, NotBetterWithHistory, cut, findings, label, summary, table
from scoring.candidates.customer_batch import CustomerBatch

SCORES = ("all NDCG@10", "all Recall@20")
FOLDS = 4
"""Hidden customers are left out of what the item-to-item source learned from, a quarter of them at a time."""


def hidden_history(run: Run, customers: int) -> dict[str, Any]:
    """Leave `hidden_history.json` and print the curve.

    Raises NotBetterWithHistory, with a sentence, if the system falls below popularity or loses by knowing more.
    """
    judged = Judged.of(run, customers)
    index = {customer_id: row for row, customer_id in enumerate(judged.ids)}
    names = list(judged.labels)
    parts: dict[int | None, dict[str, dict[str, list[np.ndarray]]]] = {baskets: {} for baskets in CUTS}
    for fold in range(FOLDS):
        hidden = names[fold::FOLDS]
        if not hidden:
            continue
        rows = {index[customer_id] for customer_id in hidden}
        system = judged.system([customer for row, customer in enumerate(judged.everyone) if row not in rows])
        people, truth = judged.only(hidden).window(system.catalogue)
        for baskets in CUTS:
            known = [cut(customer, baskets) for customer in people]
            shown, _ = recommended(system.recommender, known)
            block = CustomerBatch.of(known, system.catalogue, np.zeros((len(known), 0), np.float32))
            for method, slates in (
                {CHALLENGER: shown} | {name: rule(block) for name, rule in BASELINES.items()}
            ).items():
                for score, values in judge(truth, slates).items():
                    if score in SCORES:
                        parts[baskets].setdefault(method, {}).setdefault(score, []).append(values)
            print(f"part {fold + 1} of {FOLDS}: {len(known):,} customers, {label(baskets)} baskets known", flush=True)
    curve = summary(
        {
            baskets: {m: {s: np.concatenate(values) for s, values in of.items()} for m, of in methods.items()}
            for baskets, methods in parts.items()
        },
        CHALLENGER,
        judged.spec.seed,
    )
    wrong = findings(curve, SCORES[0], POPULARITY)
    run.write_json(artifacts.HIDDEN_HISTORY, curve | {"findings": wrong})
    refresh_report(run)
    for score in SCORES:
        print(table(curve, score), flush=True)
    if wrong:
        raise NotBetterWithHistory(" ".join(wrong))
    return {
        "customers": curve["customers"],
        SCORES[0]: {p["baskets"]: round(p["methods"][CHALLENGER][SCORES[0]]["mean"], 4) for p in curve["points"]},
    }
