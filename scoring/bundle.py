"""A bundle: the folder with everything that serving needs, one version, checked before it is used."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from core.file_hashes import file_sha256
from scoring.candidates.retriever import Retriever
from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer
from scoring.errors import BundleError, BundleFormatError
from scoring.models.ranker import Ranker, Slate
from scoring.models.two_tower import Tower
from scoring.rank_features import CATEGORICAL, NUMERIC
from scoring.recommender import Recommender
from scoring.reranking.group_fallback import GroupFallback

MANIFEST = "manifest.json"
GOLDEN = "golden.json"
QUERY_TOWER = "model/query_tower.onnx"
CANDIDATE_TOWER = "model/candidate_tower.onnx"
RANKER = "model/ranker.onnx"
VOCABULARY = "model/vocabulary.json"
CATALOGUE = "catalogue"
STORE_ENTRY = "model.yaml"
"""BentoML's model store puts it beside the bundle's own files."""

FORMATS = frozenset({".onnx", ".json", ".npy", ".parquet"})
"""What a bundle may be made of. Reading these runs nothing; reading a pickle runs whatever it says."""

FORMAT: Final = 2
"""The layout of manifest and catalogue that this code writes and reads; 1, without a number, was before the names of
candidate sources and features changed."""

SCORE_TOLERANCE = 1e-3
"""How far a golden score may move between two machines' arithmetic."""


class Manifest(BaseModel):
    """What a bundle is made of and how it came about.

    baseline: why the simple rule serves everybody instead of a trained model; '' if a model serves.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[2] = FORMAT
    version: str
    as_of: date
    created_at: datetime
    run_id: str
    git_revision: str
    features: str
    feature_services: list[str]
    numeric: list[str]
    categorical: list[str]
    quotas: dict[str, int]
    ranker: str
    collaborative: dict[str, Any]
    fallbacks: list[GroupFallback] = []
    baseline: str = ""
    trained_until: date
    seed: int
    metrics: dict[str, Any]
    gate: dict[str, Any]
    files: dict[str, str]

    @property
    def has_present_features(self) -> bool:
        """Whether the ranker reads exactly the features that this code computes."""
        return tuple(self.numeric) == NUMERIC and tuple(self.categorical) == CATEGORICAL

    @property
    def changed_features(self) -> str:
        """How the features that this code computes differ from the ranker's, in words."""
        theirs, ours = (*self.numeric, *self.categorical), (*NUMERIC, *CATEGORICAL)
        new = [name for name in ours if name not in theirs]
        gone = [name for name in theirs if name not in ours]
        said = [f"{word}: {', '.join(names)}" for word, names in (("new here", new), ("gone", gone)) if names]
        return "; ".join(said) or "in another order"


class Golden(BaseModel):
    """A request with the answer that the bundle gave when it was made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    features: dict[str, Any]
    slate: Slate
    k: int
    product_ids: list[str]
    scores: list[float]


@dataclass(frozen=True)
class Bundle:
    """An opened bundle. `Bundle.open(folder)` verifies every file's hash first."""

    path: Path
    manifest: Manifest
    recommender: Recommender
    golden: list[Golden]

    @property
    def version(self) -> str:
        return self.manifest.version

    @property
    def as_of(self) -> date:
        return self.manifest.as_of

    @classmethod
    def open(cls, path: Path) -> "Bundle":
        """Raises BundleError, naming the file, if anything is missing, altered or of another layout."""
        manifest = read_manifest(path)
        verify_files(path, manifest)
        if not manifest.has_present_features:
            raise BundleError(
                f"Bundle {manifest.version} was trained on other features than this code computes "
                f"({manifest.changed_features}). "
                "Train a new version or run the code of revision " + manifest.git_revision + "."
            )
        retriever = Retriever(Catalogue.load(path / CATALOGUE), Tower(path / QUERY_TOWER), manifest.quotas)
        recommender = Recommender(retriever, Ranker(path / RANKER), manifest.fallbacks, bool(manifest.baseline))
        golden = [Golden.model_validate(item) for item in json.loads((path / GOLDEN).read_text())]
        return cls(path, manifest, recommender, golden)

    def check_golden(self) -> None:
        """Answer the golden requests again; BundleError names the first that differs."""
        for number, golden in enumerate(self.golden):
            answer = self.recommender.recommend(Customer.from_features(golden.features), golden.slate, golden.k)
            found = [item.score for item in answer.items]
            if [item.product_id for item in answer.items] != golden.product_ids or not np.allclose(
                found, golden.scores, atol=SCORE_TOLERANCE
            ):
                raise BundleError(
                    f"Bundle {self.version} answers golden request {number} ({golden.slate}) with "
                    f"{[item.product_id for item in answer.items][:3]}…, expected {golden.product_ids[:3]}…. "
                    "Do not deploy it; publish the run again."
                )


def read_manifest(path: Path) -> Manifest:
    """Return the manifest of a bundle folder.

    Raises:
        BundleFormatError: The bundle has the format of an earlier or later version of Reach.
        BundleError: The folder has no manifest, or it cannot be read.
    """
    try:
        content = json.loads((path / MANIFEST).read_text())
        found = content.get("format", 1) if isinstance(content, dict) else FORMAT
        if found != FORMAT:
            raise BundleFormatError(
                f"Bundle {content.get('version', path.name)} has format {found}, and this code reads format {FORMAT}. "
                f"Train a new version with 'make retrain', or run the code of revision {content.get('git_revision')}."
            )
        return Manifest.model_validate(content)
    except FileNotFoundError as error:
        raise BundleError(f"{path} is not a bundle: it has no {MANIFEST}. Publish the run again.") from error
    except (ValidationError, json.JSONDecodeError) as error:
        raise BundleError(f"{path / MANIFEST} cannot be read: {error}") from error


def hash_files(path: Path) -> dict[str, str]:
    """sha256 of every file below a bundle folder, the manifest left out, by relative path."""
    files = sorted(file for file in path.rglob("*") if file.is_file() and file.name != MANIFEST)
    return {str(file.relative_to(path)): file_sha256(file) for file in files}


def verify_files(path: Path, manifest: Manifest) -> None:
    """Raise BundleError for the first file that is missing, differs from the manifest or has no place in a bundle."""
    found = {str(file.relative_to(path)) for file in path.rglob("*") if not file.is_dir()}
    extra = sorted(found - set(manifest.files) - {MANIFEST, STORE_ENTRY})
    if extra:
        raise BundleError(
            f"{extra[0]} lies in bundle {manifest.version} and not in its manifest. Publish the run again."
        )
    for name, expected in manifest.files.items():
        if Path(name).suffix not in FORMATS:
            raise BundleError(
                f"{name} has no place in a bundle: {manifest.version} may hold {', '.join(sorted(FORMATS))} only."
            )
        file = path / name
        if not file.is_file():
            raise BundleError(f"Bundle {manifest.version} lacks {name}. Publish the run again.")
        if file_sha256(file) != expected:
            raise BundleError(
                f"{name} of bundle {manifest.version} was altered: its sha256 is not the manifest's. "
                "Publish the run again."
            )
