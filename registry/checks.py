"""Whether a stored bundle may become champion."""

from registry.errors import UnusableBundleError
from registry.model_store import ModelStore
from scoring.bundle import Bundle
from scoring.errors import ScoringError


def open_checked(store: ModelStore, version: str) -> Bundle:
    """The version's bundle after all its checks: hashes, layout, golden answers.

    Raises UnknownVersionError if the store lacks it, UnusableBundleError if a check fails.
    """
    path = store.path(version)
    try:
        bundle = Bundle.open(path)
        bundle.check_golden()
    except (ScoringError, OSError, ValueError) as error:
        raise UnusableBundleError(f"Bundle {version} cannot be used: {error}") from error
    return bundle
