"""A bundle: the folder with everything that serving needs, one version, checked before it is used."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from core.files import bundle as bundle_files
from core.files.bundle import MANIFEST, verify_files
from core.restricted import Restricted
from scoring.candidates.retriever import Retriever
from scoring.candidates.sources import SOURCES, load_catalogue
from scoring.customer.customer import Customer
from scoring.errors import BundleError, BundleFormatError
from scoring.models.ranker import Ranker, Slate
from scoring.models.two_tower import Tower
from scoring.rank_features import CATEGORICAL, NUMERIC, SOURCE_COLUMNS
from scoring.recommender import Recommender
from scoring.request import RecommendationRequest
from scoring.reranking.group_fallback import GroupFallback
from scoring.reranking.restricted import restricted_products
from scoring.vocabulary import Vocabulary

GOLDEN = "golden.json"
QUERY_TOWER = "model/query_tower.onnx"
CANDIDATE_TOWER = "model/candidate_tower.onnx"
RANKER = "model/ranker.onnx"
VOCABULARY = "model/vocabulary.json"
CATALOGUE = "catalogue"
FORMAT: Final = 2
"""The layout of manifest and catalogue that this code writes and reads.

Format 1, whose manifests have no number, has the former names of candidate sources and features.
"""

SCORE_TOLERANCE = 1e-3
"""How much a golden score may differ between two machines' arithmetic."""

REGISTER_AGAIN = "Publish the run again."

PROBE_CUSTOMER = "reach-verify: no such customer"
"""An id of no customer, which gets the list for unknown customers. Verification must not use a real customer's data."""

PROBE_ITEMS = 10


class Manifest(BaseModel):
    """Describe the content of a bundle and its origin.

    Attributes:
        quotas: How many products each candidate source may propose.
        sources: The settings of the candidate sources that models are fitted for.
        catalogue: The configuration of the catalogue.
        baseline: Why the baseline serves all customers instead of a trained model; '' if a model serves.
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
    sources: dict[str, dict[str, Any]]
    catalogue: dict[str, Any]
    fallbacks: list[GroupFallback] = []
    baseline: str = ""
    trained_until: date
    seed: int
    metrics: dict[str, Any]
    gate: dict[str, Any]
    files: dict[str, str]

    @property
    def has_present_features(self) -> bool:
        """Whether this code computes the features that the ranker reads.

        Columns of candidate sources may be new here, because the ranker was trained before a source was added.
        """
        theirs = set(self.numeric)
        ours = tuple(name for name in NUMERIC if name in theirs or name not in SOURCE_COLUMNS)
        return tuple(self.numeric) == ours and tuple(self.categorical) == CATEGORICAL

    @property
    def columns(self) -> np.ndarray | None:
        """The columns of `NUMERIC` that the ranker reads; None if it reads all."""
        if tuple(self.numeric) == NUMERIC:
            return None
        return np.array([NUMERIC.index(name) for name in self.numeric], np.int64)

    @property
    def changed_features(self) -> str:
        """How the features that this code computes differ from the ranker's, in words."""
        theirs, ours = (*self.numeric, *self.categorical), (*NUMERIC, *CATEGORICAL)
        new = [name for name in ours if name not in theirs]
        gone = [name for name in theirs if name not in ours]
        changes = [f"{word}: {', '.join(names)}" for word, names in (("new here", new), ("gone", gone)) if names]
        return "; ".join(changes) or "in another order"


class Golden(BaseModel):
    """A request with the answer that the bundle gave when it was made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    features: dict[str, Any]
    slate: Slate
    k: int
    product_ids: list[str]
    scores: list[float]


@dataclass(frozen=True)
class ServiceProbe:
    """A request to the running service, with the bundle's own answer to it."""

    path: str
    body: dict[str, Any]
    version: str
    product_ids: list[str]
    scores: list[float]

    def difference(self, answer: Mapping[str, Any]) -> str | None:
        """Return how the service's answer differs from the bundle's, as a sentence; None if they agree."""
        if answer["model_version"] != self.version:
            return f"The service answers with version {answer['model_version']}."
        same_order = [item["product_id"] for item in answer["items"]] == self.product_ids
        if same_order and all(
            math.isclose(item["score"], score, rel_tol=SCORE_TOLERANCE, abs_tol=SCORE_TOLERANCE)
            for item, score in zip(answer["items"], self.scores, strict=True)
        ):
            return None
        return f"The service's '{self.body['slate']}' list for a new customer is not the bundle's."


@dataclass(frozen=True)
class Bundle:
    """An opened bundle. `Bundle.open(folder)` verifies every file's hash first."""

    path: Path
    manifest: Manifest
    recommender: Recommender
    golden: list[Golden]

    @property
    def version(self) -> str:
        """The manifest's version."""
        return self.manifest.version

    @property
    def as_of(self) -> date:
        """The date of the catalogue's facts."""
        return self.manifest.as_of

    @classmethod
    def open(cls, path: Path) -> "Bundle":
        """Verify a bundle folder and load it.

        Raises:
            BundleError: A file is missing or altered, or the bundle needs features or candidate sources that this code
                does not have.
        """
        manifest = read_manifest(path)
        try:
            verify_files(path, manifest.version, manifest.files, REGISTER_AGAIN)
        except bundle_files.BundleError as error:
            raise BundleError(str(error)) from error
        if not manifest.has_present_features:
            raise BundleError(
                f"Bundle {manifest.version} was trained on other features than this code computes "
                f"({manifest.changed_features}). "
                "Train a new version or run the code of revision " + manifest.git_revision + "."
            )
        unknown = sorted(set(manifest.quotas) - set(SOURCES))
        if unknown:
            raise BundleError(
                f"Bundle {manifest.version} uses candidate sources that this code does not have: {', '.join(unknown)}. "
                f"Add them to scoring/candidates/sources, or train a new version with 'make retrain'."
            )
        retriever = Retriever(load_catalogue(path / CATALOGUE), Tower(path / QUERY_TOWER), manifest.quotas)
        ranker = Ranker(path / RANKER, manifest.columns)
        recommender = Recommender(retriever, ranker, manifest.fallbacks, bool(manifest.baseline))
        golden = [Golden.model_validate(item) for item in json.loads((path / GOLDEN).read_text())]
        return cls(path, manifest, recommender, golden)

    def without(self, patterns: Restricted | None) -> "Bundle":
        """Return the bundle with lists that show no product of these patterns; None shows all products."""
        if patterns is None:
            return replace(self, recommender=self.recommender.without(None))
        vocabulary = self.path / VOCABULARY
        departments = Vocabulary.load(vocabulary).values["department"] if vocabulary.exists() else []
        restricted = restricted_products(self.recommender.catalogue, departments, patterns)
        return replace(self, recommender=self.recommender.without(restricted))

    def check_golden(self) -> None:
        """Answer the golden requests again, with all products; BundleError names the first that differs."""
        recommender = self.recommender.without(None)
        for number, golden in enumerate(self.golden):
            answer = recommender.recommend(
                Customer.from_features(golden.features), RecommendationRequest(golden.slate, golden.k)
            )
            found = [item.score for item in answer.items]
            if [item.product_id for item in answer.items] != golden.product_ids or not np.allclose(
                found, golden.scores, atol=SCORE_TOLERANCE
            ):
                raise BundleError(
                    f"Bundle {self.version} answers golden request {number} ({golden.slate}) with "
                    f"{[item.product_id for item in answer.items][:3]}…, expected {golden.product_ids[:3]}…. "
                    "Do not deploy it; publish the run again."
                )

    def service_probes(self, restricted: Restricted | None) -> list[ServiceProbe]:
        """Return one request per slate for a customer who does not exist, with this bundle's answer.

        Args:
            restricted: Patterns of products that the service leaves out of its lists; None for none.
        """
        probes, recommender = [], self.without(restricted).recommender
        for slate in get_args(Slate):
            items = recommender.recommend(None, RecommendationRequest(slate, PROBE_ITEMS)).items
            body = {"customer_id": PROBE_CUSTOMER, "slate": slate, "k": PROBE_ITEMS}
            ids, scores = [item.product_id for item in items], [item.score for item in items]
            probes.append(ServiceProbe("/recommend", body, self.version, ids, scores))
        return probes


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
