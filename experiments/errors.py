"""Errors of this package; each message names the value and the next step."""


class ExperimentError(Exception):
    """An experiment that cannot be assigned, planned or measured as it is asked."""
