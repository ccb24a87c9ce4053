"""Write the baseline as a ranker, so that it can serve until a model beats it."""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from scoring.models.ranker import SLATES
from scoring.rank_features import CATEGORICAL, NUMERIC

OPSET = 17

CANDIDATES_PER_SOURCE = {"repeat_purchases": 220, "popular": 120}
"""Quotas of the sources that the baseline ranks: the customer's repeat purchases and popular products."""

_WEIGHTS = {
    "all": {"repeat_decayed_120d": 1.0, "product_popularity": 1.0},
    "explore": {"product_popularity": 1.0},
}


def write_baseline_ranker(path: Path) -> None:
    """Write decayed own frequency as an ONNX model with the inputs and outputs of a ranker."""
    weights = np.zeros((len(NUMERIC), len(SLATES)), np.float32)
    for column, slate in enumerate(SLATES):
        for name, weight in _WEIGHTS[slate].items():
            weights[NUMERIC.index(name), column] = weight
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["numeric", "weights"], ["scores"])],
        "decayed_own_frequency",
        [
            helper.make_tensor_value_info("numeric", TensorProto.FLOAT, ["rows", len(NUMERIC)]),
            helper.make_tensor_value_info("categorical", TensorProto.INT32, ["rows", len(CATEGORICAL)]),
        ],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["rows", len(SLATES)])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    path.write_bytes(model.SerializeToString())
