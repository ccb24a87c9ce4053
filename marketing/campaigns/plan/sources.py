"""Read what a plan is made of: published scores and features, products, lists, and the contacts of the outbox."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from core.duckdb_engine import read_parquet
from customer_scores.publication import (
    PublishedPart,
    ScoresPublication,
    current_publication,
    publications,
    read_record,
)
from customer_scores.tables import PREDICTIONS
from marketing.audience.index import AudienceIndex
from marketing.campaigns.content.lists import Recommend, published_lists
from marketing.campaigns.content.slots import restricted_coupons
from marketing.campaigns.errors import CampaignError
from marketing.campaigns.policy.contact_policy import PolicyFile, load_contact_policy
from marketing.campaigns.policy.contacts import Contacts, longest_window
from marketing.campaigns.policy.restricted import Products, read_products
from outbox.history import consents_at, contacts_at, messages_since, occurrences, suppressions_at
from outbox.plan import ContactPolicy
from outbox.store import Store
from settings import Settings

PROFILES = "feat_customer_profile.parquet"
PROFILE_COLUMNS = ("customer_id", "days_since_first_basket", "spend_4w", "spend_13w", "baskets_4w", "baskets_13w")


@dataclass(frozen=True)
class Sources:
    """Everything that plans read; each part is read once, when it is first used.

    Attributes:
        settings: of the installation.
        recommend: fills slots of recommended products.
        until: scores and features of later days are not read; None for the current ones.
    """

    settings: Settings
    recommend: Recommend
    until: datetime | None = None

    @classmethod
    def of(cls, settings: Settings, recommend: Recommend | None = None, until: datetime | None = None) -> "Sources":
        """Return the sources of an installation; products come from the published lists by default."""
        return cls(settings, recommend or published_lists(settings.paths), until)

    @cached_property
    def scores(self) -> Path:
        """Return the folder of the published scores.

        Of an earlier instant, it is the newest folder that was known then. The oldest one stands in if none is kept.
        """
        current = self.settings.paths.customers
        until = self.until
        kept = [] if until is None else publications(current.parent)
        if until is None or not kept:
            return current
        known = [found for found in kept if found.as_of_instant <= until] or kept[-1:]
        return current.parent / max(known, key=lambda found: (found.as_of, found.published_at)).name

    @property
    def coupons(self) -> Path:
        """Return the admitted coupons, which may be missing."""
        return self.settings.paths.admitted / "coupons.parquet"

    @property
    def zone(self) -> ZoneInfo:
        """Return the shop's time zone."""
        return ZoneInfo(self.settings.timezone)

    @cached_property
    def publication(self) -> ScoresPublication:
        """Return the published scores."""
        found = read_record(self.scores.resolve())
        return found if found is not None else current_publication(self.settings.paths.customers)

    @cached_property
    def policy_file(self) -> PolicyFile:
        """Return the contact policy as it was written."""
        return load_contact_policy(self.settings.contact_policy)

    @cached_property
    def policy(self) -> ContactPolicy:
        """Return the contact policy as the outbox applies it."""
        return self.policy_file.rules(self.settings.timezone)

    @cached_property
    def products(self) -> Products:
        """Return the shop's products with the age-restricted ones found."""
        return read_products(self.settings.paths.admitted / "products.parquet", self.policy_file.restricted)

    @cached_property
    def restricted_coupons(self) -> frozenset[str]:
        """Return the coupons that no message offers."""
        return restricted_coupons(self.coupons, self.products)

    @cached_property
    def index(self) -> AudienceIndex:
        """Return the published purchases of the audiences."""
        return AudienceIndex.open(self.scores)

    @cached_property
    def predictions(self) -> pa.Table:
        """Return the published predictions, by customer_id."""
        return pq.read_table(self.scores / PREDICTIONS).sort_by("customer_id").combine_chunks()

    @cached_property
    def earlier_predictions(self) -> pa.Table | None:
        """Return the predictions of the newest earlier day; None if none is kept."""
        now = self.part("predictions").as_of
        kept = [found for found in publications(self.settings.paths.customers.parent) if "predictions" in found.parts]
        earlier = [found for found in kept if found.parts["predictions"].as_of < now]
        if not earlier:
            return None
        newest = max(earlier, key=lambda found: found.parts["predictions"].as_of)
        return pq.read_table(self.settings.paths.customers.parent / newest.name / PREDICTIONS).combine_chunks()

    @cached_property
    def profiles(self) -> pa.Table:
        """Return `PROFILE_COLUMNS` of each customer at the newest snapshot of the published features."""
        file = self.settings.paths.features / PROFILES
        if not file.exists():
            raise CampaignError(f"{file} is missing. Publish features first: run the DAG build_features.")
        with duckdb.connect() as connection:
            source = read_parquet(file)
            return connection.sql(
                f"SELECT {', '.join(PROFILE_COLUMNS)} FROM {source} "
                f"WHERE event_timestamp = (SELECT max(event_timestamp) FROM {source} WHERE event_timestamp <= ?) "
                "ORDER BY customer_id",
                params=[self.until or datetime.max],
            ).to_arrow_table()

    @property
    def features(self) -> Path:
        """Return the folder of the published feature tables."""
        return self.settings.paths.features

    @property
    def events(self) -> Path:
        """Return the landed events.

        Raises:
            CampaignError: no event was ever landed.
        """
        file = self.settings.paths.feedback / "landed" / "events.parquet"
        if not file.exists():
            raise CampaignError(f"{file} is missing, so no cart is known. Run the DAG collect_feedback.")
        return file

    def part(self, name: str) -> PublishedPart:
        """Return a part of the published scores.

        Raises:
            CampaignError: the publication does not have it.
        """
        if name not in self.publication.parts:
            raise CampaignError(f"The published scores have no {name}. Run the DAG score_customers.")
        return self.publication.parts[name]


def contacts_of(store: Store, as_of: datetime, policy: ContactPolicy, classes: Sequence[str]) -> Contacts:
    """Return what the outbox holds at an instant.

    Args:
        store: the opened outbox.
        as_of: the instant.
        policy: whose longest window decides how far back messages are read.
        classes: message classes of the campaigns.
    """
    longest = max(longest_window(policy.classes[name]) for name in classes)
    return Contacts(
        consents_at(store, as_of),
        contacts_at(store, as_of),
        suppressions_at(store, as_of),
        messages_since(store, as_of - longest, sorted(set(classes))),
    )


def decided_by(store: Store, campaign_id: str) -> pa.Table:
    """Return the occurrences that a campaign has decided: customer_id, trigger, occurrence, outcome, decided_at."""
    return occurrences(store, campaign_id)
