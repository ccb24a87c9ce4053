"""The fixtures of an installation with small feature tables."""

from tests.support.feature_store.fixtures import build, built, copied, settings, staged

__all__ = ["build", "built", "copied", "settings", "staged"]
