"""Errors of the console; each message is a sentence for the person who reads the page."""


class ConsoleError(Exception):
    """The console cannot do what was asked for; the answer has `status`."""

    status = 400


class NotAllowedError(ConsoleError):
    """The user's role does not allow the action."""

    status = 403


class NotFoundError(ConsoleError):
    """There is nothing of that name."""

    status = 404


class ConflictError(ConsoleError):
    """Somebody else changed the thing first."""

    status = 409


class BusyError(ConsoleError):
    """Too much is under way at the same time."""

    status = 429


class ServiceUnavailableError(ConsoleError):
    """The recommendation service does not answer."""

    status = 503


class ConsoleConfigError(ConsoleError):
    """The settings of the console cannot be used."""
