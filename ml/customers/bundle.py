"""The bundle of the customer model: one folder per part, with its files and its verdict. Nothing in it is code."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from core.files.bundle import MANIFEST, BundleError, hash_files, verify_files
from ml.customers.golden import GOLDEN, check_golden, write_golden
from ml.customers.inputs import Inputs
from ml.customers.part import VERDICT, Part, Verdict
from ml.customers.parts import PARTS

REGISTER_AGAIN = "Register the run again."


class PartEntry(BaseModel):
    """Where a part of the bundle comes from.

    Attributes:
        as_of: the day of the features that it was fitted on.
        run_id: the run that fitted it: an earlier one if this run could not decide.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: date
    run_id: str


class CustomersManifest(BaseModel):
    """Describe a bundle; `python -m registry` reads the fields that all products have.

    Attributes:
        baseline: why simple rules are registered instead of models; empty if any part is a model.
        parts: by the part's name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[2] = 2
    version: str
    as_of: date
    created_at: datetime
    run_id: str
    git_revision: str
    publication: str
    baseline: str = ""
    seed: int
    parts: dict[str, PartEntry]
    metrics: dict[str, Any]
    gate: dict[str, Any]
    files: dict[str, str]


@dataclass(frozen=True)
class CustomersBundle:
    """An opened bundle, whose files were checked against their hashes."""

    path: Path
    manifest: CustomersManifest

    @property
    def version(self) -> str:
        """Return the version that the manifest names."""
        return self.manifest.version

    @classmethod
    def open(cls, path: Path) -> "CustomersBundle":
        """Check and open the bundle in a folder.

        Raises:
            BundleError: a file is missing, altered or of another layout; the message names it.
        """
        try:
            manifest = CustomersManifest.model_validate(json.loads((path / MANIFEST).read_bytes()))
        except (OSError, ValidationError, ValueError) as error:
            raise BundleError(f"{path / MANIFEST} cannot be read: {error}") from error
        verify_files(path, manifest.version, manifest.files, REGISTER_AGAIN)
        known = {part.name for part in PARTS}
        if unknown := sorted(set(manifest.parts) - known):
            raise BundleError(
                f"Bundle {manifest.version} contains the part {unknown[0]}, which this code does not have. Train a new "
                f"version, or run the code of revision {manifest.git_revision}."
            )
        return cls(path, manifest)

    def parts(self) -> list[Part]:
        """Return the parts that the bundle contains, in the order in which they score."""
        return [part for part in PARTS if part.name in self.manifest.parts]

    def verdict(self, name: str) -> Verdict:
        """Return the verdict on a part of the bundle."""
        return Verdict.from_json((self.path / name / VERDICT).read_text())

    def score(self, inputs: Inputs, published: Path) -> None:
        """Write the tables of every part into the folder `published`."""
        for part in self.parts():
            part.score(inputs, self.path / part.name, published)

    def check_golden(self) -> None:
        """Score the made-up customers in the bundle again.

        Raises:
            BundleError: a table differs from the one that the bundle gave when it was made.
        """
        check_golden(self.path / GOLDEN, self.version, self.score)


def write_bundle(folder: Path, parts: Mapping[str, Path], inputs: Inputs, fields: dict[str, Any]) -> CustomersBundle:
    """Fill an empty folder, open it again and check it.

    Args:
        folder: where the bundle goes.
        parts: by name, the folder with the part's files and its verdict.
        inputs: what made-up customers are drawn from.
        fields: the manifest's fields, except `created_at` and `files`.
    """
    for name, source in parts.items():
        shutil.copytree(source, folder / name)
    manifest = CustomersManifest(**fields, created_at=datetime.now(UTC), files=hash_files(folder))
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2))
    write_golden(folder / GOLDEN, inputs, CustomersBundle.open(folder).score)
    manifest = manifest.model_copy(update={"files": hash_files(folder)})
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2))
    bundle = CustomersBundle.open(folder)
    bundle.check_golden()
    return bundle
