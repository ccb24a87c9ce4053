"""The environment of a process that uses BentoML: it writes inside the data directory and calls nobody."""

from settings import Paths


def bentoml_environment(paths: Paths) -> dict[str, str]:
    """Variables to start such a process with. Makes the folders they name.

    BENTOML_HOME: model store, Bentos and the metrics' files. TMPDIR: builds are staged in the temporary folder.
    BENTOML_DO_NOT_TRACK, ORT_DISABLE_TELEMETRY: both libraries report to their makers otherwise, and ONNX Runtime
    keeps a database in the home directory for it.
    """
    temporary = paths.bentoml / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    return {
        "BENTOML_HOME": str(paths.bentoml),
        "TMPDIR": str(temporary),
        "BENTOML_DO_NOT_TRACK": "True",
        "ORT_DISABLE_TELEMETRY": "1",
    }
