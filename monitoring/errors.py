"""Define what can go wrong when the installation is watched.

MonitoringError
├── PolicyError       a limit in the policy cannot be used
└── NothingToWatchError   nothing is admitted
"""


class MonitoringError(Exception):
    """Base of the errors of this package; a command prints the message and exits with 1."""


class PolicyError(MonitoringError):
    """The policy holds an unknown name or a value that cannot be used."""


class NothingToWatchError(MonitoringError):
    """Nothing is admitted, so there is nothing to compare."""
