"""Errors of this room.

MLError
├── RunError          a run's folder lacks what an earlier step should have left
├── ConfigError       a configuration names or holds something that cannot be used
├── NotEnoughDataError  the data known at `as_of` is too short or too small to train or judge on
└── DivergenceError   a loss stopped being a finite number
"""


class MLError(Exception):
    """Anything that stops a step of this room."""


class RunError(MLError):
    """A run's folder lacks what an earlier step should have left."""


class ConfigError(MLError):
    """A configuration names or holds something that cannot be used."""


class NotEnoughDataError(MLError):
    """The data known at `as_of` is too short or too small to train or judge on."""


class DivergenceError(MLError):
    """A loss stopped being a finite number."""
