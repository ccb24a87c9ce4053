"""Define what can go wrong when the installation is watched.

MonitoringError
├── PolicyError       a limit in the policy cannot be used
├── NothingToWatchError   nothing is admitted
├── NotCheckedError       no check has run
└── AlarmError            the newest check raised alarms
"""


class MonitoringError(Exception):
    """Base of the errors of this package; a command prints the message and exits with 1."""


class PolicyError(MonitoringError):
    """The policy holds an unknown name or a value that cannot be used."""


class NothingToWatchError(MonitoringError):
    """Nothing is admitted, so there is nothing to compare."""


class NotCheckedError(MonitoringError):
    """No result of a check is there, or it cannot be read."""


class AlarmError(MonitoringError):
    """The newest check raised alarms; the message has one line for each."""
