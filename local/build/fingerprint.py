"""Fingerprints of builds: features and model are valid while their inputs have the same content."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.files.atomic import replace_file
from core.files.hashes import FileHashes
from settings import ROOT, Settings

CHUNK = 1 << 20
# Folders that Python and dbt create among the code.
GENERATED_FOLDERS = {"__pycache__", "target", "logs"}


@dataclass(frozen=True)
class BuildInputs:
    """Hashes of the inputs of features and model."""

    features: str
    model: str


def build_inputs(settings: Settings, as_of: str | None) -> BuildInputs:
    """Hash the data, the settings and the code that features and model depend on."""
    shared = [ROOT / "settings.py", ROOT / "products.py", ROOT / "uv.lock"]
    feature_packages = [
        ROOT / package for package in ("core", "landing", "dbt", "features", "feature_repo", "feature_store", "quality")
    ]
    model_packages = [ROOT / package for package in ("ml", "experiments", "scoring", "registry")]
    feature_inputs = {
        "as_of": as_of,
        "landing": landing_hash(settings) if settings.landing else "the demo's package, see uv.lock",
        "settings": settings.model_dump_json(
            include={
                "timezone",
                "earliest_day",
                "max_customers",
                "snapshots",
                "snapshot_weeks",
                "online_store",
                "redis",
            }
        ),
        "code": files_hash([*shared, *feature_packages]),
    }
    features = _hash(feature_inputs)
    model_inputs = {
        "features": features,
        "seed": settings.seed,
        "config": files_hash([settings.models_config]) if settings.models_config else None,
        "code": files_hash([*shared, *model_packages]),
    }
    return BuildInputs(features, _hash(model_inputs))


def landing_hash(settings: Settings) -> str:
    """Return one hash over the names and bytes of the landing's files, wherever the folder lies and whatever its name.

    Names that begin with '_' or '.' are left out, as landing does.
    """
    assert settings.landing is not None
    hashes, digest = FileHashes(settings.paths.file_hashes), hashlib.sha256()
    for file in sorted(settings.landing.rglob("*")):
        relative = file.relative_to(settings.landing)
        if file.is_file() and not any(part.startswith(("_", ".")) for part in relative.parts):
            digest.update(f"{relative} {hashes.of(file)}\n".encode())
    hashes.save()
    return digest.hexdigest()


def files_hash(paths: Iterable[Path]) -> str:
    """Return one hash over the names and bytes of all files at these paths, without generated and hidden files."""
    digest = hashlib.sha256()
    for path in paths:
        files = [path] if path.is_file() else sorted(f for f in path.rglob("*") if f.is_file())
        for file in files:
            relative = file.relative_to(path.parent)
            if any(part in GENERATED_FOLDERS or part.startswith(".") for part in relative.parts):
                continue
            digest.update(f"{relative} {file.stat().st_size}\n".encode())
            with file.open("rb") as handle:
                while chunk := handle.read(CHUNK):
                    digest.update(chunk)
    return digest.hexdigest()


class BuildCache:
    """Cache of the last build and its inputs, in `<data>/demo.json`; an entry is valid while its results exist."""

    def __init__(self, settings: Settings) -> None:
        self._file = settings.data / "demo.json"
        self._paths = settings.paths

    def has_features(self, made_of: str) -> bool:
        """Return whether the published features were built from these inputs."""
        known = self._read().get("features", {})
        return bool(known) and known == self._features(made_of) and self._paths.feast.is_dir()

    def save_features(self, made_of: str) -> None:
        """Store the inputs of the published features."""
        self._write({"features": self._features(made_of)})

    def run_of(self, made_of: str) -> str | None:
        """Return the finished run of the same inputs, if its verdict and its champion still exist."""
        known = self._read().get("run", {})
        evaluated = (self._paths.runs / str(known.get("run_id")) / "gate.json").is_file()
        lost = known.get("had_champion") and self.champion() is None
        return str(known["run_id"]) if known.get("made_of") == made_of and evaluated and not lost else None

    def save_run(self, made_of: str, run_id: str) -> None:
        """Store the inputs of a finished run."""
        had_champion = self.champion() is not None
        self._write({"run": {"made_of": made_of, "run_id": run_id, "had_champion": had_champion}})

    def has_scores(self, made_of: str) -> bool:
        """Return whether the customers were scored with the same inputs, and what was published then is still there."""
        return bool(self._read().get("scores")) and self._read()["scores"] == self._scores(made_of)

    def save_scores(self, made_of: str) -> None:
        """Store the inputs of the published scores."""
        self._write({"scores": self._scores(made_of)})

    def champion(self) -> str | None:
        """Return the deployed version, or None."""
        pointer = self._paths.release / "recommender" / "champion.json"
        version = json.loads(pointer.read_text())["version"] if pointer.is_file() else None
        return str(version) if version else None

    def verdict(self, run_id: str) -> tuple[bool, list[str]]:
        """Return whether the gate passed the run's model, and its reasons."""
        found = json.loads((self._paths.runs / run_id / "gate.json").read_text())
        return bool(found["publish"]), [str(reason) for reason in found["reasons"]]

    def started(self, dag_id: str, made_of: str) -> str | None:
        """Return the last started run of the DAG, if its inputs were the same."""
        known = self._read().get(dag_id, {})
        return str(known["run"]) if known.get("made_of") == made_of else None

    def save_started(self, dag_id: str, made_of: str, run: str) -> None:
        """Store the inputs of a started DAG run."""
        self._write({dag_id: {"made_of": made_of, "run": run}})

    def service_code(self) -> str | None:
        """Return the hash of the code that the running service was started from."""
        code = self._read().get("service")
        return str(code) if code else None

    def save_service_code(self, code: str) -> None:
        """Store the hash of the code of the running service."""
        self._write({"service": code})

    def _features(self, made_of: str) -> dict[str, str]:
        manifest = self._paths.admitted / "manifest.json"
        published = self._paths.features
        return {
            "made_of": made_of,
            "admitted": files_hash([manifest]) if manifest.is_file() else "",
            "published": published.resolve().name if published.is_dir() else "",
        }

    def _scores(self, made_of: str) -> dict[str, str]:
        published = self._paths.customers
        return {"made_of": made_of, "published": published.resolve().name if published.is_dir() else ""}

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._file.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, change: dict[str, Any]) -> None:
        replace_file(self._file, json.dumps({**self._read(), **change}, indent=1))


def _hash(value: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
