"""The environment in which BentoML keeps everything inside the data directory."""

from settings import Paths


def bentoml_environment(paths: Paths) -> dict[str, str]:
    """Variables for a process that uses BentoML. Makes the folders they name.

    BENTOML_HOME: model store, Bentos and the metrics' files; DO_NOT_TRACK: BentoML calls home otherwise;
    TMPDIR: builds are staged in the temporary folder.
    """
    temporary = paths.bentoml / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    return {"BENTOML_HOME": str(paths.bentoml), "BENTOML_DO_NOT_TRACK": "True", "TMPDIR": str(temporary)}
