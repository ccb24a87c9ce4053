"""Define the errors that prevent a run or the pruning of the data directory.

RetentionError
├── PolicyError   policy.toml cannot be used
└── NoSpaceError  the disk has less room than a run needs
"""


class RetentionError(Exception):
    """The message names the place, the value and the next step."""


class PolicyError(RetentionError):
    """The policy's file is not as it should be."""


class NoSpaceError(RetentionError):
    """A run would fill the disk."""
