"""The files of a bundle: a manifest with a hash for every other file, and no format whose reading runs code."""

from collections.abc import Mapping
from pathlib import Path

from core.files.hashes import file_sha256

MANIFEST = "manifest.json"
STORE_ENTRY = "model.yaml"
"""Written by BentoML's model store next to the bundle's own files."""

ALLOWED_SUFFIXES = frozenset({".arrow", ".json", ".npy", ".npz", ".onnx", ".parquet"})
"""Reading these formats runs no code: numpy refuses pickled objects in `.npy` and `.npz` by default. Reading a pickle
runs whatever code it contains."""


class BundleError(Exception):
    """A bundle is incomplete, altered or answers differently from its golden requests."""


def hash_files(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file in a bundle's folder except the manifest, by relative path."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != MANIFEST)
    return {str(file.relative_to(folder)): file_sha256(file) for file in files}


def verify_files(folder: Path, version: str, hashes: Mapping[str, str], publish: str) -> None:
    """Raise BundleError for the first file that is missing, altered, not in the manifest, or of another format.

    Args:
        folder: the bundle.
        version: the bundle's version, for the message.
        hashes: SHA-256 by relative path, as the manifest lists them.
        publish: what to do about a damaged bundle, as a sentence.
    """
    found = {str(file.relative_to(folder)) for file in folder.rglob("*") if not file.is_dir()}
    extra = sorted(found - set(hashes) - {MANIFEST, STORE_ENTRY})
    if extra:
        raise BundleError(f"{extra[0]} is in the folder of bundle {version} and not in its manifest. {publish}")
    for name, expected in hashes.items():
        if Path(name).suffix not in ALLOWED_SUFFIXES:
            allowed = ", ".join(sorted(ALLOWED_SUFFIXES))
            raise BundleError(f"{name} must not be in a bundle: {version} may contain {allowed} only.")
        file = folder / name
        if not file.is_file():
            raise BundleError(f"Bundle {version} lacks {name}. {publish}")
        if file_sha256(file) != expected:
            raise BundleError(f"{name} of bundle {version} was altered: its sha256 is not the manifest's. {publish}")
