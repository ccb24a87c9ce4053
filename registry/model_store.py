"""BentoML's model store, where bundles are kept: one entry per product and version, put in one atomic step."""

import re
import shutil
from pathlib import Path

from core.files.atomic import replace_file, sync
from core.files.bundle import MANIFEST, BundleError
from core.files.lock import exclusive_lock
from core.paths import Paths
from products import DEFAULT_PRODUCT
from registry.bundle import Bundle, find_product, load_opener, read_stored_manifest
from registry.errors import UnknownVersionError, UnusableBundleError, VersionExistsError

_TAG_VERSION = re.compile(r"[a-z0-9]([-._a-z0-9]{0,61}[a-z0-9])?")
"""The versions that BentoML accepts. It would silently turn anything else into lower case."""


class ModelStore:
    """The bundles of one product in one BentoML home (`BENTOML_HOME`)."""

    def __init__(self, home: Path, product: str = DEFAULT_PRODUCT):
        self.product = find_product(product)
        self.model_name = self.product.model_name
        self._home = home
        self._entries = home / "models" / self.model_name

    def tag(self, version: str) -> str:
        """Return BentoML's name of a version."""
        return f"{self.model_name}:{version}"

    def put(self, bundle: Path, version: str) -> str:
        """Copy a bundle's folder into the store and return its tag. Repeating it is safe, and no half entry is left.

        Raises:
            UnusableBundleError: the folder is not a bundle of this version.
            VersionExistsError: the store contains other content under the version.
        """
        self._check(bundle, version)
        with exclusive_lock(self._home / "staging"):
            entry = self._entries / version
            if entry.exists():
                if read_stored_manifest(entry).files != read_stored_manifest(bundle).files:
                    raise VersionExistsError(
                        f"The model store contains another bundle {self.tag(version)}. A version never changes: "
                        "register it under a new run id."
                    )
                return self.tag(version)
            staged = self._stage(bundle, version)
            self._entries.mkdir(parents=True, exist_ok=True)
            staged.rename(entry)
            sync(self._entries)
            replace_file(self._entries / "latest", version.encode())
        return self.tag(version)

    def path(self, version: str) -> Path:
        """Return the folder of a stored bundle.

        Raises:
            UnknownVersionError: the store does not contain the version.
        """
        entry = self._entries / version
        if not (entry / MANIFEST).is_file():
            known = ", ".join(self.versions()) or "none"
            raise UnknownVersionError(
                f"The model store in {self._home} holds no {self.tag(version)} (it holds: {known}). "
                f"Register the run first: '.venv/bin/{self.product.register_command} --run-id …'."
            )
        return entry

    def load_verified(self, version: str) -> Bundle:
        """Return the version's bundle after all its checks: hashes, layout and golden requests.

        Raises:
            UnknownVersionError: the store does not contain the version.
            UnusableBundleError: a check failed.
        """
        path = self.path(version)
        try:
            bundle = load_opener(self.product)(path)
            bundle.check_golden()
        except (BundleError, OSError, ValueError) as error:
            raise UnusableBundleError(f"Bundle {version} cannot be used: {error}") from error
        return bundle

    def remove(self, version: str) -> None:
        """Take a stored bundle out, in one step. Repeating it is safe."""
        with exclusive_lock(self._home / "staging"):
            entry, leaving = self._entries / version, self._home / "staging" / version
            shutil.rmtree(leaving, ignore_errors=True)
            if entry.exists():
                entry.rename(leaving)
                sync(self._entries)
                shutil.rmtree(leaving)

    def versions(self) -> list[str]:
        """Return the versions in the store, sorted by name."""
        return sorted(entry.parent.name for entry in self._entries.glob(f"*/{MANIFEST}"))

    def _check(self, bundle: Path, version: str) -> None:
        if not _TAG_VERSION.fullmatch(version):
            raise UnusableBundleError(
                f"'{version}' is not a version that BentoML can keep: at most 63 of a-z, 0-9, '.', '_' and '-', "
                "a letter or digit first and last."
            )
        found = read_stored_manifest(bundle).version
        if found != version:
            raise UnusableBundleError(f"The bundle in {bundle} is version {found}, not {version}.")

    def _stage(self, bundle: Path, version: str) -> Path:
        """Make a complete store entry outside the store, after deleting what killed writers left there."""
        for leftover in (self._home / "staging").glob("*/"):
            shutil.rmtree(leftover)
        staged = self._home / "staging" / version
        shutil.copytree(bundle, staged)
        self._describe(staged, version)
        for file in filter(Path.is_file, staged.rglob("*")):
            sync(file)
        return staged

    def _describe(self, entry: Path, version: str) -> None:
        """Write the `model.yaml` that makes a folder an entry of BentoML's model store.

        `bentoml.models.create` copies into the store file by file. Killed half-way, it leaves an entry that can
        neither be read nor be written again.
        """
        from bentoml import Tag
        from bentoml._internal.models.model import ModelInfo
        from bentoml.models import ModelContext, ModelOptions

        manifest = read_stored_manifest(entry)
        info = ModelInfo(
            tag=Tag(self.model_name, version),
            module="",
            api_version="v1",
            signatures={},
            labels={"as_of": manifest.as_of.isoformat()},
            options=ModelOptions(),
            metadata={"run_id": manifest.run_id, "git_revision": manifest.git_revision},
            context=ModelContext(framework_name="reach", framework_versions={}),
        )
        with (entry / "model.yaml").open("w") as stream:
            info.dump(stream)


def bentoml_environment(paths: Paths) -> dict[str, str]:
    """Return the variables for a process that uses BentoML, and make the folders that they name.

    `BENTOML_HOME` contains the model store, the Bentos and the metrics' files. `TMPDIR` is where builds are staged.
    `BENTOML_DO_NOT_TRACK` and `ORT_DISABLE_TELEMETRY` turn telemetry off; ONNX Runtime would also keep a database in
    the home directory for it.
    """
    temporary = paths.bentoml / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    return {
        "BENTOML_HOME": str(paths.bentoml),
        "TMPDIR": str(temporary),
        "BENTOML_DO_NOT_TRACK": "True",
        "ORT_DISABLE_TELEMETRY": "1",
    }
