"""Define the errors that stop a run at a checkpoint.

QualityError
├── NothingToCheckError    the files of the checkpoint are missing, or belong to another day
├── ThresholdsError        the shop's own thresholds cannot be used
├── DiskError              the data directory cannot be read or written
├── UnreadableError        a file is damaged, or lacks a column that the checks need
└── CriticalFailureError   the data broke a critical expectation
"""


class QualityError(Exception):
    """Base of this package's errors; the command prints the message and exits with 1."""


class NothingToCheckError(QualityError):
    """The checkpoint's files are missing, or belong to another day."""


class ThresholdsError(QualityError):
    """The file of thresholds cannot be read, or names a check, a number or a severity that does not exist."""


class UnreadableError(QualityError):
    """A file is damaged, or lacks a column that the checks need."""


class DiskError(QualityError):
    """The data directory cannot be read or written."""


class CriticalFailureError(QualityError):
    """At least one critical expectation is not met; the message names each one with the next step."""
