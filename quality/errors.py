"""What can stop a run at a boundary.

QualityError
├── NothingToCheckError    the files of the boundary are not there, or are of another day
├── ThresholdsError        the shop's own thresholds cannot be used
├── UnreadableError        a file is damaged, or lacks a column that the checks need
└── CriticalFailureError   the data broke an expectation that nothing may be built upon
"""


class QualityError(Exception):
    """Base of this room's errors; the command prints the message and exits with 1."""


class NothingToCheckError(QualityError):
    """The boundary's files are missing, or belong to another day."""


class ThresholdsError(QualityError):
    """The file of thresholds cannot be read, or names a check, a number or a severity that does not exist."""


class UnreadableError(QualityError):
    """A file is damaged, or lacks a column that the checks need."""


class CriticalFailureError(QualityError):
    """At least one critical expectation is not met; the message names each and says what to do."""
