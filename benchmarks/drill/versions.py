"""Versions to swap: the champion again, with scores that tell one version from the other."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ml.bundles.write import write_bundle
from registry.model_store import ModelStore
from scoring.bundle import CANDIDATE_TOWER, QUERY_TOWER, RANKER, VOCABULARY, Bundle
from scoring.customer.customer import Customer
from scoring.models.ranker import SLATES


def derive(store: ModelStore, champion: str, version: str, factor: float) -> None:
    """Put a bundle into the store that gives `factor` times the champion's scores, also to its golden requests."""
    bundle = Bundle.open(store.path(champion))
    with TemporaryDirectory(dir=store.path(champion).parent.parent.parent) as made:
        folder, ranker = Path(made) / version, Path(made) / "ranker.onnx"
        folder.mkdir()
        onnx.save(_times(onnx.load(bundle.path / RANKER), factor), ranker)
        names = [name for name in (QUERY_TOWER, CANDIDATE_TOWER, VOCABULARY) if (bundle.path / name).exists()]
        facts = bundle.manifest.model_dump(exclude={"files", "created_at", "git_revision"}) | {"version": version}
        # Every made-up customer stands there once a slate.
        customers = [Customer.from_features(g.features) for g in bundle.golden if g.slate == SLATES[0]]
        files = {name: bundle.path / name for name in names} | {RANKER: ranker}
        write_bundle(folder, files, bundle.recommender.catalogue, facts, customers)
        store.put(folder, version)


def _times(model: onnx.ModelProto, factor: float) -> onnx.ModelProto:
    """The model with its scores multiplied."""
    graph = model.graph
    scores, raw = graph.output[0].name, "scores_of_the_champion"
    for node in graph.node:
        node.input[:] = [raw if name == scores else name for name in node.input]
        node.output[:] = [raw if name == scores else name for name in node.output]
    kind = helper.tensor_dtype_to_np_dtype(graph.output[0].type.tensor_type.elem_type)
    graph.initializer.append(numpy_helper.from_array(np.array(factor, kind), "drill_factor"))
    graph.node.append(helper.make_node("Mul", [raw, "drill_factor"], [scores]))
    return model
