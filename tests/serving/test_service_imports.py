"""A service process loads only these modules."""

import subprocess
import sys

from settings import ROOT

FORBIDDEN = ("tensorflow", "keras", "tf_keras", "tensorflow_recommenders", "airflow", "dbt", "great_expectations", "ml")


def modules_after(statement: str) -> set[str]:
    """Top-level modules of a fresh process that ran a statement."""
    code = f"{statement}; import sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_the_service_and_its_readers_load_neither_training_code_nor_tensorflow() -> None:
    loaded = modules_after(
        "import serving.service, serving.handlers.recommendations, scoring.bundle, feature_store.online.reader"
    )

    assert {"bentoml", "onnxruntime", "feast"} <= loaded
    assert not loaded & set(FORBIDDEN)


def test_the_hot_path_is_free_of_pandas_and_feast() -> None:
    loaded = modules_after("import serving.service")

    assert "onnxruntime" in loaded
    assert not loaded & {"pandas", "feast", "duckdb"}
