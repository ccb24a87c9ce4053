"""Model swaps, roll-backs, a materialisation and a registry write under load."""

from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from onnx import helper, numpy_helper

from benchmarks.drill.fault_report import FaultReport, until
from benchmarks.drill.sandbox import Sandbox, Served
from benchmarks.drill.traffic import Traffic
from ml.bundles.write import write_bundle
from registry.model_store import ModelStore
from scoring.bundle import CANDIDATE_TOWER, QUERY_TOWER, RANKER, VOCABULARY, Bundle
from scoring.customer.customer import Customer
from scoring.models.ranker import SLATES

ACTOR = "drill"

MAX_LATE_READ_SHARE = 0.05
"""Share of reads that may exceed 40 ms because the machine is busy."""


def derive(store: ModelStore, champion: str, version: str, factor: float) -> None:
    """Put a bundle into the store that gives `factor` times the champion's scores, also to its golden requests."""
    bundle = Bundle.open(store.path(champion))
    with TemporaryDirectory(dir=store.path(champion).parent.parent.parent) as made:
        folder, ranker = Path(made) / version, Path(made) / "ranker.onnx"
        folder.mkdir()
        onnx.save(_times(onnx.load(bundle.path / RANKER), factor), ranker)
        names = [name for name in (QUERY_TOWER, CANDIDATE_TOWER, VOCABULARY) if (bundle.path / name).exists()]
        facts = bundle.manifest.model_dump(exclude={"files", "created_at", "git_revision"}) | {"version": version}
        # The golden requests hold each sample customer once per slate.
        customers = [Customer.from_features(g.features) for g in bundle.golden if g.slate == SLATES[0]]
        files = {name: bundle.path / name for name in names} | {RANKER: ranker}
        write_bundle(folder, files, bundle.recommender.catalogue, facts, customers)
        store.put(folder, version)


def _times(model: onnx.ModelProto, factor: float) -> onnx.ModelProto:
    """Return the model with its scores multiplied."""
    graph = model.graph
    scores, raw = graph.output[0].name, "scores_of_the_champion"
    for node in graph.node:
        node.input[:] = [raw if name == scores else name for name in node.input]
        node.output[:] = [raw if name == scores else name for name in node.output]
    kind = helper.tensor_dtype_to_np_dtype(graph.output[0].type.tensor_type.elem_type)
    graph.initializer.append(numpy_helper.from_array(np.array(factor, kind), "drill_factor"))
    graph.node.append(helper.make_node("Mul", [raw, "drill_factor"], [scores]))
    return model


def drill_swaps(
    sandbox: Sandbox,
    served: Served,
    traffic: Traffic,
    report: FaultReport,
    versions: list[str],
    swaps: int,
    rollbacks: int,
) -> None:
    """Swap between valid `versions`, with the champion first, then roll back."""
    with traffic.watch(0.5) as seen:
        for version in islice(cycle([*versions[1:], versions[0]]), swaps):
            sandbox.registry.deploy(version, None, "drill", ACTOR)
            until(lambda version=version: served.readiness()[1].get("version") == version)  # type: ignore[misc]
    held = not seen.failures and len(seen.versions) == len(set(versions))
    report.note(
        f"{swaps} model swaps under load",
        "no failed request; each answer is the list of the version that it names",
        f"{seen.summary()}; versions seen: {dict(sorted(seen.versions.items()))}",
        held,
    )

    slowest = 0.0
    with traffic.watch(0.5) as seen:
        for _ in range(rollbacks):
            previous = sandbox.registry.alias().previous  # type: ignore[union-attr]
            until(lambda previous=previous: served.readiness()[1].get("standby_version") == previous)  # type: ignore[misc]
            version = sandbox.registry.rollback("drill", ACTOR).version
            took = until(lambda version=version: served.readiness()[1].get("version") == version)  # type: ignore[misc]
            slowest = max(slowest, took)
    report.note(
        f"{rollbacks} roll-backs under load",
        "each takes effect under a second; no failed request",
        f"the slowest took {slowest:.2f} s; {seen.summary()}",
        not seen.failures and report.in_time(slowest, 1.0),
    )


def drill_features(sandbox: Sandbox, traffic: Traffic, report: FaultReport) -> None:
    """Materialise features and write the feature registry under load."""
    for fault, act in (("a materialisation", sandbox.rebuild_online), ("a registry write", sandbox.apply)):
        with traffic.watch(0.5) as seen:
            act()
        report.note(
            f"{fault} under load",
            "no failed request, the store is read all the time",
            seen.summary(),
            not seen.failures and seen.degraded_share() < MAX_LATE_READ_SHARE,
        )
