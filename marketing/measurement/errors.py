"""Errors of measuring campaigns."""

from marketing.errors import MarketingError


class MeasurementError(MarketingError):
    """A campaign that cannot be measured as it is asked."""
