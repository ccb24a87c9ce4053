"""Errors of offers."""

from marketing.errors import MarketingError


class OffersError(MarketingError):
    """A question for offers that cannot be answered as it is asked."""
