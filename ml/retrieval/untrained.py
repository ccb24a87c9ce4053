"""Write untrained towers, for a bundle that serves the baseline.

The candidate tower adds one random direction per category, type, brand and so on. Products that share these values are
near each other, so similar products can be served before there is data to train on. The query tower returns zeros,
because the baseline does not read it.
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
"""Weight of each field in the similarity of two products; finer groups have more weight."""


def write_untrained_towers(vocabulary: Vocabulary, query_path: Path, candidate_path: Path, seed: int) -> None:
    """Write both towers as ONNX models, with the inputs that serving passes.

    Args:
        vocabulary: Values of the products' categorical fields.
        query_path: File of the query tower.
        candidate_path: File of the candidate tower.
        seed: Seed of the random directions.
    """
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
        directions[0] = 0.0  # 0 stands for a missing value, which makes no two products similar
        tables.append(numpy_helper.from_array(directions.astype(np.float32), f"table_{field}"))
        nodes.append(helper.make_node("Gather", [f"table_{field}", field], [f"part_{field}"]))
        parts.append(f"part_{field}")
    nodes += [
        helper.make_node("Sum", parts, ["sum"]),
        helper.make_node("LpNormalization", ["sum"], ["raw"], axis=1, p=2),
        # A product without any content gives 0 / 0.
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
