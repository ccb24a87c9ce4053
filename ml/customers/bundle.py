"""The bundle of the customer model: a manifest, the model as JSON and golden requests. Nothing in it is code."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from core.bundle_files import MANIFEST, BundleError, hash_files, verify_files
from ml.customers.dataset import FEATURES
from ml.customers.model import ChurnModel

MODEL = "model.json"
GOLDEN = "golden.json"
GOLDEN_CUSTOMERS = 16
TOLERANCE = 1e-6
REGISTER_AGAIN = "Register the run again."


class ChurnManifest(BaseModel):
    """What a bundle contains and how it was made; `python -m registry` reads the fields that all products have.

    Attributes:
        baseline: why the strongest rule is registered instead of a model; empty for a model.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    version: str
    as_of: date
    created_at: datetime
    run_id: str
    git_revision: str
    publication: str
    features: list[str]
    horizon_weeks: int
    active_days: int
    baseline: str = ""
    trained_until: date
    seed: int
    metrics: dict[str, Any]
    gate: dict[str, Any]
    files: dict[str, str]


@dataclass(frozen=True)
class ChurnBundle:
    """An opened bundle, whose files were checked against their hashes."""

    path: Path
    manifest: ChurnManifest
    model: ChurnModel

    @property
    def version(self) -> str:
        """Return the version that the manifest names."""
        return self.manifest.version

    @classmethod
    def open(cls, path: Path) -> "ChurnBundle":
        """Check and open the bundle in a folder.

        Raises:
            BundleError: a file is missing, altered or of another layout; the message names it.
        """
        try:
            manifest = ChurnManifest.model_validate(json.loads((path / MANIFEST).read_bytes()))
        except (OSError, ValidationError, ValueError) as error:
            raise BundleError(f"{path / MANIFEST} cannot be read: {error}") from error
        verify_files(path, manifest.version, manifest.files, REGISTER_AGAIN)
        if manifest.features != list(FEATURES):
            raise BundleError(
                f"Bundle {manifest.version} reads other features than this code computes. Train a new version, or run "
                f"the code of revision {manifest.git_revision}."
            )
        try:
            model = ChurnModel.from_dict(json.loads((path / MODEL).read_bytes()))
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"{MODEL} of bundle {manifest.version} cannot be used: {error}") from error
        return cls(path, manifest, model)

    def check_golden(self) -> None:
        """Answer the golden requests again.

        Raises:
            BundleError: a probability differs from the one that the bundle gave when it was made.
        """
        golden = json.loads((self.path / GOLDEN).read_bytes())
        found = self.model.predict(np.array(golden["features"], dtype=np.float64))
        if not np.allclose(found, golden["probabilities"], atol=TOLERANCE, rtol=0):
            raise BundleError(f"Bundle {self.version} answers its golden requests differently. Do not deploy it.")


def write_bundle(folder: Path, model: ChurnModel, fields: dict[str, Any]) -> ChurnBundle:
    """Fill an empty folder, open it again and check it.

    Args:
        folder: where the bundle goes.
        model: the fitted model.
        fields: the manifest's fields, except `created_at`, `features` and `files`.
    """
    (folder / MODEL).write_text(json.dumps(model.as_dict(), indent=2))
    features = made_up_customers(fields["seed"])
    golden = {"features": features.tolist(), "probabilities": model.predict(features).tolist()}
    (folder / GOLDEN).write_text(json.dumps(golden))
    manifest = ChurnManifest(**fields, created_at=datetime.now(UTC), features=list(FEATURES), files=hash_files(folder))
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2))
    bundle = ChurnBundle.open(folder)
    bundle.check_golden()
    return bundle


def made_up_customers(seed: int) -> np.ndarray:
    """Return features of customers who do not exist, `[customers, features]`: a bundle must not hold anybody's data."""
    rng = np.random.default_rng(seed)
    values = np.round(rng.gamma(1.0, 10.0, (GOLDEN_CUSTOMERS, len(FEATURES))), 2)
    by_name = {name: index for index, name in enumerate(FEATURES)}
    values[:, [by_name["new_product_share_8w"], by_name["discount_share"]]] = rng.uniform(0, 1, (GOLDEN_CUSTOMERS, 2))
    values[:, by_name["days_since_first_basket"]] += values[:, by_name["days_since_last_basket"]]
    return values
