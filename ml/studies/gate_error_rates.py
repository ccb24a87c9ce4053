"""Show the gate's own error rates on the lists of a finished run."""

from typing import Any

import numpy as np

from ml.errors import ConfigError
from ml.evaluation.baselines import BASELINES
from ml.evaluation.results import load_lists
from ml.evaluation.slices import assign
from ml.gate.error_rates import Window, error_rates
from ml.gate.evidence import Checks
from ml.gate.gate import load_policy
from ml.gate.leakage import Purchases
from ml.runs import artifacts
from ml.runs.run import Run
from ml.runs.spec import RunSpec, dataset
from ml.steps import evaluate as evaluation
from ml.steps.generate_candidates import catalogue_at
from scoring.bundle import VOCABULARY
from scoring.candidates.customer_batch import CustomerBatch
from scoring.vocabulary import Vocabulary


def gate_check(run: Run, twin: Run | None, comparisons: int) -> dict[str, Any]:
    """Ask the gate `comparisons` times about equals, and about planted losses, gains and leaks.

    twin: a run of the same window with another seed, whose lists are then compared with the run's own.
    """
    if comparisons < 1:
        raise ConfigError(f"--comparisons is {comparisons}; the gate has to be asked at least once.")
    spec, data = RunSpec.read(run), dataset(run)
    ids, everyone = data.customers(spec.split.evaluation)
    catalogue = catalogue_at(run, spec, data, spec.split.evaluation, everyone)
    window = evaluation.Window.of(ids, everyone, data.labels(spec.split.evaluation), catalogue)
    judged = window.truth.customer_ids
    methods = load_lists(run.path(artifacts.LISTS), judged, catalogue.product_ids)
    models = {name: slates for name, slates in methods.items() if name not in BASELINES}
    if twin is not None:
        if RunSpec.read(twin).split.evaluation != spec.split.evaluation:
            raise ConfigError(
                f"Run '{twin.run_id}' is judged on another window than '{run.run_id}'. Choose a twin of it."
            )
        lists = load_lists(twin.path(artifacts.LISTS), judged, catalogue.product_ids)
        models = {
            evaluation.CHALLENGER: models[evaluation.CHALLENGER],
            f"{evaluation.CHALLENGER} of {twin.run_id}": lists[evaluation.CHALLENGER],
        }
    block = CustomerBatch.of(window.customers, catalogue, np.zeros((len(window.customers), 0), np.float32))
    departments = Vocabulary.load(run.path(artifacts.RETRIEVAL) / VOCABULARY).values["department"]
    rates, words = error_rates(
        Window(
            truth=window.truth,
            models=models,
            rules={name: methods[name] for name in BASELINES},
            assigned=assign(block, departments),
            checks=Checks.load(run.path(artifacts.EVALUATION)),
        ),
        Purchases.read(run.path(artifacts.DATASET), spec.split, spec.config.training_windows.horizon),
        load_policy(),
        comparisons,
        spec.seed,
    )
    print(*words, sep="\n", flush=True)
    return rates
