"""Errors of this package; each message names the value and the next step."""


class MarketingError(Exception):
    """Anything that stops a decision about customers."""


class ScoresError(MarketingError):
    """The published scores are missing or cannot be read."""


class AudienceError(MarketingError):
    """A question for an audience that cannot be answered as it is asked."""
