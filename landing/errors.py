"""What can go wrong before anything is built.

LandingError
├── SourceError     a file or folder of the landing cannot be used
├── ContractError   a table breaks the column contract
└── AsOfError       nothing can be known at the chosen day
"""


class LandingError(Exception):
    """Base of this room's errors; the command prints the message and exits with 1."""


class SourceError(LandingError):
    """A file is missing, empty, unreadable or there twice."""


class ContractError(LandingError):
    """A required column is missing or a value has the wrong type."""


class AsOfError(LandingError):
    """The chosen day lies before the first transaction, or no day can be chosen."""
