"""Towers that nobody trained, for a bundle whose lists come from the simple rule.

The candidate tower adds up one random direction per known category, type, brand and so on. Products that share them are
near each other, so that similar products can be asked for before there is anything to train on. The query tower returns
zeros: the rule does not read it.
"""

from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from scoring.schema import CONTENT, PROFILE
from scoring.vocabulary import Vocabulary

OPSET = 17
DIMENSIONS = 32

_WEIGHTS = {"product_type": 1.0, "category": 0.7, "department": 0.4, "manufacturer_id": 0.3, "brand": 0.2}
"""How much it counts that two products share a field's value: the finer the group, the more."""


def write_untrained_towers(vocabulary: Vocabulary, query_path: Path, candidate_path: Path, seed: int) -> None:
    """Write both towers as ONNX models with the inputs that serving feeds."""
    _write_query(query_path)
    _write_candidate(vocabulary, candidate_path, seed)


def _write_query(path: Path) -> None:
    zeros = numpy_helper.from_array(np.zeros((len(PROFILE), DIMENSIONS), np.float32), "zeros")
    node = helper.make_node("MatMul", ["profile", "zeros"], ["vectors"])
    profile = helper.make_tensor_value_info("profile", TensorProto.FLOAT, ["rows", len(PROFILE)])
    _write(path, "untrained_query", [node], [profile], [zeros])


def _write_candidate(vocabulary: Vocabulary, path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    nodes, tables, parts = [], [], []
    for field in CONTENT:
        directions = rng.normal(size=(vocabulary.size(field), DIMENSIONS))
        directions *= _WEIGHTS.get(field, 0.0) / np.linalg.norm(directions, axis=1, keepdims=True)
        directions[0] = 0.0  # 0 is the unknown value, which nothing shares
        tables.append(numpy_helper.from_array(directions.astype(np.float32), f"table_{field}"))
        nodes.append(helper.make_node("Gather", [f"table_{field}", field], [f"part_{field}"]))
        parts.append(f"part_{field}")
    nodes += [
        helper.make_node("Sum", parts, ["sum"]),
        helper.make_node("LpNormalization", ["sum"], ["raw"], axis=1, p=2),
        # A product of which nothing is known has no direction: 0 / 0.
        helper.make_node("IsNaN", ["raw"], ["undefined"]),
        helper.make_node("Where", ["undefined", "nothing", "raw"], ["vectors"]),
    ]
    tables.append(numpy_helper.from_array(np.zeros(1, np.float32), "nothing"))
    inputs = [helper.make_tensor_value_info(field, TensorProto.INT32, ["rows"]) for field in CONTENT]
    _write(path, "untrained_candidate", nodes, inputs, tables)


def _write(path: Path, name: str, nodes: list[Any], inputs: list[Any], tensors: list[Any]) -> None:
    output = helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["rows", DIMENSIONS])
    graph = helper.make_graph(nodes, name, inputs, [output], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
