"""Errors of this room.

ScoringError
└── BundleError     a bundle is incomplete, altered or answers differently from its golden requests
"""


class ScoringError(Exception):
    """Anything that keeps a customer from being scored."""


class BundleError(ScoringError):
    """A bundle is incomplete, altered or answers differently from its golden requests."""
