"""Define the errors that stop a page.

PageError
└── NothingToShowError    the run, or the day's build, has left nothing
"""


class PageError(Exception):
    """Base of this package's errors; the command prints the message and exits with 1."""


class NothingToShowError(PageError):
    """There is no such run, or nothing was built for the day."""
