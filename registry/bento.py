"""Build a Bento: the service's code, its requirements and one bundle pinned by tag, for a container or a machine."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from core.files.lock import exclusive_lock
from core.paths import Paths
from products import DEFAULT_PRODUCT
from registry.errors import BuildError
from registry.model_store import ModelStore, bentoml_environment
from settings import ROOT

RECIPE = Path("serving") / "bentofile.yaml"
SERVICE_NAME = "reach"
GROUPS = ("serving", "kafka", "ann")
"""Groups of the lock: the service, Kafka's client for REACH_KAFKA_BOOTSTRAP_SERVERS, the index of large catalogues."""


def build(paths: Paths, version: str, again: bool = False, product: str = DEFAULT_PRODUCT) -> str:
    """Build the Bento of a stored version and return its tag, `reach:<version>`.

    Args:
        paths: the installation's folders.
        version: the version to build with.
        again: build again if the Bento exists; otherwise an existing one is not changed.
        product: the product of the version.

    Raises:
        UnknownVersionError: the store does not contain the version.
        BuildError: uv is missing, or the build failed; the message contains BentoML's.
    """
    store = ModelStore(paths.bentoml, product)
    store.path(version)
    built = paths.bentoml / "bentos" / SERVICE_NAME / version
    environment = os.environ | bentoml_environment(paths)
    # BentoML would otherwise install a uv of its own.
    environment["PATH"] = os.pathsep.join([str(Path(_uv()).parent), environment.get("PATH", os.defpath)])
    with exclusive_lock(paths.bentoml / "staging-bentos"):
        # BentoML copies into its store file by file. The mark distinguishes a Bento from what a killed build left.
        unfinished = paths.bentoml / "staging-bentos" / version
        if built.exists() and (again or unfinished.exists()):
            shutil.rmtree(built)
        if not built.exists():
            unfinished.touch()
            with TemporaryDirectory(dir=environment["TMPDIR"], prefix="context-") as context:
                _gather(Path(context), store.tag(version))
                _run_bentoml(Path(context), version, environment)
        unfinished.unlink(missing_ok=True)
    return f"{SERVICE_NAME}:{version}"


def _gather(context: Path, model_tag: str) -> None:
    """Copy the recipe's files, because BentoML would also walk through the environment and the data."""
    recipe = yaml.safe_load((ROOT / RECIPE).read_text())
    for pattern in recipe["include"]:
        for file in ROOT.glob(pattern):
            target = context / file.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
    (context / recipe["python"]["requirements_txt"]).write_text(locked_requirements())
    recipe["models"] = [model_tag]
    (context / "bentofile.yaml").write_text(yaml.safe_dump(recipe))


def locked_requirements() -> str:
    """Return the pinned packages of the service and of its optional settings, one per line.

    Raises:
        BuildError: uv is missing, or cannot read the lock.
    """
    groups = [word for group in GROUPS for word in ("--group", group)]
    command = [_uv(), "export", "--frozen", "--no-default-groups", *groups, "--no-hashes"]
    result = subprocess.run(
        [*command, "--no-emit-project", "--no-header", "--no-annotate"], cwd=ROOT, capture_output=True, text=True
    )
    if result.returncode != 0:
        raise BuildError(f"The lock cannot be read: {result.stderr.strip()}")
    return result.stdout


def _uv() -> str:
    uv = shutil.which("uv") or shutil.which("uv", path=str(ROOT / ".uv" / "bin"))
    if uv is None:
        raise BuildError("uv is not on the PATH; it reads the lock. Install it, or run this through make.")
    return uv


def _run_bentoml(context: Path, version: str, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "bentoml", "build", str(context), "--version", version]
    result = subprocess.run(command, cwd=context, env=environment, capture_output=True, text=True)
    if result.returncode != 0:
        tail = (result.stderr or result.stdout).strip().splitlines()[-15:]
        raise BuildError(f"BentoML could not build {SERVICE_NAME}:{version}:\n" + "\n".join(tail))
