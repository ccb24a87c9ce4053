"""From a TensorFlow function to an ONNX file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tf2onnx

from ml.keras_setup import tf

OPSET = 17


def export_onnx(function: Callable[[dict[str, Any]], Any], signature: dict[str, Any], path: Path) -> None:
    """Write `function`, which takes a dictionary of tensors by the names in `signature`, as ONNX."""
    names = list(signature)

    @tf.function(input_signature=[signature[name] for name in names])
    def flat(*tensors: Any) -> Any:
        return function(dict(zip(names, tensors, strict=True)))

    model, _ = tf2onnx.convert.from_function(flat, input_signature=flat.input_signature, opset=OPSET)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
