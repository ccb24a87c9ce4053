"""Write a bundle: the evaluated weights, a catalogue as of now, golden requests and hashes."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.files.bundle import MANIFEST, hash_files
from scoring.bundle import CATALOGUE, GOLDEN, Bundle, Golden, Manifest
from scoring.catalogue import Catalogue
from scoring.customer.customer import Customer
from scoring.models.ranker import SLATES, Slate
from scoring.recommender import Recommender
from scoring.request import RecommendationRequest

GOLDEN_LENGTH = 20


def write_bundle(
    folder: Path,
    model_files: dict[str, Path],
    catalogue: Catalogue,
    facts: dict[str, Any],
    customers: Sequence[Customer],
) -> Bundle:
    """Fill an empty folder and open it again, which checks it.

    Args:
        folder: An empty folder.
        model_files: The models' files, by their path in the bundle.
        catalogue: The products that the bundle recommends.
        facts: The manifest's fields, except `files`, `created_at` and the git revision.
        customers: Made-up customers (ml/bundles/golden.py) for golden requests; the bundle contains their features.

    Returns:
        The bundle as read back, after its golden requests gave their answers.
    """
    for name, source in model_files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    catalogue.save(folder / CATALOGUE)
    (folder / GOLDEN).write_text("[]")
    manifest = Manifest(**facts, created_at=datetime.now(UTC), git_revision=git_revision(), files=hash_files(folder))
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2))
    recommender = Bundle.open(folder).recommender
    golden = [_golden(recommender, customer, slate) for customer in customers for slate in SLATES]
    (folder / GOLDEN).write_text(json.dumps([item.model_dump() for item in golden]))
    manifest = manifest.model_copy(update={"files": hash_files(folder)})
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2))
    bundle = Bundle.open(folder)
    bundle.check_golden()
    return bundle


def _golden(recommender: Recommender, customer: Customer, slate: Slate) -> Golden:
    features = customer.to_features()
    answer = recommender.recommend(Customer.from_features(features), RecommendationRequest(slate, GOLDEN_LENGTH))
    return Golden(
        features=features,
        slate=slate,
        k=GOLDEN_LENGTH,
        product_ids=[item.product_id for item in answer.items],
        scores=[item.score for item in answer.items],
    )


def git_revision() -> str:
    """Return the commit of the code that runs, or `unknown` outside a repository."""
    try:
        found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()
