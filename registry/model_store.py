"""BentoML's model store as the place where bundles are kept: one entry a version, put in one atomic step."""

import re
import shutil
from pathlib import Path

from core.atomic_files import replace_file, sync
from core.exclusive_lock import exclusive_lock
from registry.errors import UnknownVersionError, UnusableBundleError, VersionExistsError
from scoring.bundle import MANIFEST, read_manifest
from scoring.errors import BundleError

NAME = "reach-recommender"
_TAG_VERSION = re.compile(r"[a-z0-9]([-._a-z0-9]{0,61}[a-z0-9])?")
"""What BentoML takes as a version: it would quietly turn anything else into lower case."""


class ModelStore:
    """The bundles in one BentoML home (`BENTOML_HOME`)."""

    def __init__(self, home: Path):
        self._home = home
        self._entries = home / "models" / NAME

    def put(self, bundle: Path, version: str) -> str:
        """Copy a bundle folder into the store and return its tag; safe to repeat, whole or not there at all.

        Raises UnusableBundleError if the folder is no bundle of this version, VersionExistsError if the store
        holds other content under it.
        """
        self._check(bundle, version)
        with exclusive_lock(self._home / "staging"):
            entry = self._entries / version
            if entry.exists():
                if read_manifest(entry).files != read_manifest(bundle).files:
                    raise VersionExistsError(
                        f"The model store holds another bundle {tag(version)}. A version never changes: "
                        "publish under a new run id."
                    )
                return tag(version)
            staged = self._stage(bundle, version)
            self._entries.mkdir(parents=True, exist_ok=True)
            staged.rename(entry)
            sync(self._entries)
            replace_file(self._entries / "latest", version.encode())
        return tag(version)

    def path(self, version: str) -> Path:
        """The folder of a stored bundle. Raises UnknownVersionError."""
        entry = self._entries / version
        if not (entry / MANIFEST).is_file():
            known = ", ".join(self.versions()) or "none"
            raise UnknownVersionError(
                f"The model store in {self._home} holds no {tag(version)} (it holds: {known}). "
                "Publish the run first: '.venv/bin/python -m ml register-model --run-id …'."
            )
        return entry

    def remove(self, version: str) -> None:
        """Take a stored bundle out, in one step; safe to repeat."""
        with exclusive_lock(self._home / "staging"):
            entry, leaving = self._entries / version, self._home / "staging" / version
            shutil.rmtree(leaving, ignore_errors=True)
            if entry.exists():
                entry.rename(leaving)
                sync(self._entries)
                shutil.rmtree(leaving)

    def versions(self) -> list[str]:
        """The versions kept, in the order of their names."""
        return sorted(entry.parent.name for entry in self._entries.glob(f"*/{MANIFEST}"))

    def _check(self, bundle: Path, version: str) -> None:
        if not _TAG_VERSION.fullmatch(version):
            raise UnusableBundleError(
                f"'{version}' is no version BentoML can keep: at most 63 of a-z, 0-9, '.', '_' and '-', "
                "a letter or digit first and last."
            )
        try:
            found = read_manifest(bundle).version
        except BundleError as error:
            raise UnusableBundleError(str(error)) from error
        if found != version:
            raise UnusableBundleError(f"The bundle in {bundle} is version {found}, not {version}.")

    def _stage(self, bundle: Path, version: str) -> Path:
        """A complete store entry outside the store. Left-overs of killed writers are cleared first."""
        for leftover in (self._home / "staging").glob("*/"):
            shutil.rmtree(leftover)
        staged = self._home / "staging" / version
        shutil.copytree(bundle, staged)
        _describe(staged, version)
        for file in filter(Path.is_file, staged.rglob("*")):
            sync(file)
        return staged


def tag(version: str) -> str:
    """BentoML's name of a bundle."""
    return f"{NAME}:{version}"


def _describe(entry: Path, version: str) -> None:
    """Write the `model.yaml` that makes a folder an entry of BentoML's model store.

    `bentoml.models.create` would copy into the store file by file: killed half-way, it leaves an entry that
    can be neither read nor written again.
    """
    from bentoml import Tag
    from bentoml._internal.models.model import ModelInfo
    from bentoml.models import ModelContext, ModelOptions

    manifest = read_manifest(entry)
    info = ModelInfo(
        tag=Tag(NAME, version),
        module="",
        api_version="v1",
        signatures={},
        labels={"as_of": manifest.as_of.isoformat()},
        options=ModelOptions(),
        metadata={"run_id": manifest.run_id, "git_revision": manifest.git_revision},
        context=ModelContext(framework_name="onnxruntime", framework_versions={}),
    )
    with (entry / "model.yaml").open("w") as stream:
        info.dump(stream)
