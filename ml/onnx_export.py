"""Export a TensorFlow function as an ONNX file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tf2onnx

from ml.keras_setup import tf

OPSET = 17


def export_onnx(function: Callable[[dict[str, Any]], Any], signature: dict[str, Any], path: Path) -> None:
    """Write a TensorFlow function as an ONNX model.

    Args:
        function: Takes a dictionary of tensors and returns the output.
        signature: Shape and type of each tensor, by its name.
        path: The file to write.
    """
    names = list(signature)

    @tf.function(input_signature=[signature[name] for name in names])
    def flat(*tensors: Any) -> Any:
        return function(dict(zip(names, tensors, strict=True)))

    model, _ = tf2onnx.convert.from_function(flat, input_signature=flat.input_signature, opset=OPSET)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
