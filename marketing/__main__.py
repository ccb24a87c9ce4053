"""Decisions about customers, each by hand exactly as the service answers."""

import sys
from collections.abc import Sequence

from core.command import Commands
from features.errors import FeatureStoreError
from marketing.audience import command as audience
from marketing.errors import MarketingError
from marketing.offers import command as offers
from marketing.segments import command as segments
from settings import Settings, SettingsError, load_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code of `core.command`."""
    errors = (MarketingError, FeatureStoreError, SettingsError)
    commands = Commands[Settings]("marketing", __doc__, load_settings, errors)
    audience.add_arguments(
        commands.add("audience", audience.run, "order customers for products, a category or a coupon")
    )
    offers.add_arguments(commands.add("offers", offers.run, "choose the coupons for each customer under a budget"))
    segments.add_arguments(commands.add("segment", segments.run, "count the customers who match a filter"))
    return commands.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
