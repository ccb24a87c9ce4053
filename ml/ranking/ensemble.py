"""Join several trained rankers into one ONNX model: the mean of their scores."""

from collections.abc import Sequence
from pathlib import Path

import onnx
from onnx import compose, helper

ENSEMBLE = "ensemble"


def write_ensemble(rankers: Sequence[Path], path: Path) -> None:
    """Join the graphs of rankers under common inputs and average their logits.

    Logits of listwise losses share a scale, so they need no normalisation.

    Args:
        rankers: ONNX files of the rankers.
        path: The file to write.
    """
    models = [compose.add_prefix(onnx.load(ranker), f"r{number}_") for number, ranker in enumerate(rankers)]
    graphs = [model.graph for model in models]
    inputs = onnx.load(rankers[0]).graph.input
    shared = [
        helper.make_node("Identity", [value.name], [f"r{number}_{value.name}"])
        for number in range(len(models))
        for value in inputs
    ]
    mean = helper.make_node("Mean", [graph.output[0].name for graph in graphs], ["scores"])
    scores = helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, ["rows", None])
    graph = helper.make_graph(
        [*shared, *(node for graph in graphs for node in graph.node), mean],
        ENSEMBLE,
        inputs,
        [scores],
        [tensor for graph in graphs for tensor in graph.initializer],
    )
    model = helper.make_model(graph, opset_imports=models[0].opset_import, ir_version=models[0].ir_version)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
