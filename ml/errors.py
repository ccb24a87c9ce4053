"""Errors of training, evaluation and the gate.

MLError
├── RunError            a run's folder lacks an artifact of an earlier step
├── ConfigError         a configuration has a value that cannot be used
├── NotEnoughDataError  the data until `as_of` is too short or too small to train or evaluate
└── DivergenceError     a loss stopped being a finite number
"""


class MLError(Exception):
    """Base of every error that stops a step."""


class RunError(MLError):
    """A run's folder lacks an artifact of an earlier step."""


class ConfigError(MLError):
    """A configuration has a value that cannot be used."""


class NotEnoughDataError(MLError):
    """The data until `as_of` is too short or too small to train or evaluate."""


class DivergenceError(MLError):
    """A loss stopped being a finite number."""
