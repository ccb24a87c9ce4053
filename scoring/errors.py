"""Errors of scoring.

ScoringError
└── BundleError             a bundle is incomplete, altered or answers differently from its golden requests
    └── BundleFormatError   a bundle was written by another version of Reach, in a layout that this code cannot read
"""

from core.files import bundle as bundle_files


class ScoringError(Exception):
    """Anything that keeps a customer from being scored."""


class BundleError(ScoringError, bundle_files.BundleError):
    """A bundle is incomplete, altered or answers differently from its golden requests."""


class BundleFormatError(BundleError):
    """A bundle was written by another version of Reach, in a layout that this code cannot read."""
