"""Decisions about customers, each by hand exactly as the service answers."""

import sys
from collections.abc import Sequence

from core.command import Commands
from customer_scores.errors import ScoresError
from experiments.errors import ExperimentError
from features.errors import FeatureStoreError
from marketing.audience import command as audience
from marketing.campaigns import command as campaigns
from marketing.errors import MarketingError
from marketing.measurement import command as measurement
from marketing.measurement import past_command as past_campaigns
from marketing.offers import command as offers
from marketing.segments import command as segments
from outbox.errors import OutboxError
from registry.errors import RegistryError
from settings import Settings, SettingsError, load_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code of `core.command`."""
    errors = (
        *(MarketingError, FeatureStoreError, ScoresError, ExperimentError, OutboxError),
        *(RegistryError, SettingsError),
    )
    commands = Commands[Settings]("marketing", __doc__, load_settings, errors)
    audience.add_arguments(
        commands.add("audience", audience.run, "order customers for products, a category or a coupon, or like others")
    )
    measurement.add_arguments(commands.add("measure", measurement.run, "measure a campaign against its hold-out"))
    past_campaigns.add_arguments(
        commands.add(
            "past-campaigns", past_campaigns.run, "list the landing's campaigns, whose effect is not identified"
        )
    )
    offers.add_arguments(commands.add("offers", offers.run, "choose the coupons for each customer under a budget"))
    campaigns.add_arguments(commands.add("campaign", campaigns.run, "check, plan and enqueue campaigns"))
    segments.add_arguments(commands.add("segment", segments.run, "count the customers who match a filter"))
    return commands.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
