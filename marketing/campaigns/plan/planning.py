"""Plan files: read what they need from the installation and its outbox, and plan them together."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from customer_scores.errors import ScoresError
from marketing.campaigns.definition.check import check_campaign
from marketing.campaigns.definition.file import CampaignFile
from marketing.campaigns.definition.folder import UnusableCampaigns, read_folder
from marketing.campaigns.errors import CampaignError
from marketing.campaigns.plan.plan import Planned, Request, plan_campaigns
from marketing.campaigns.plan.replay import Known, Replayed, replay
from marketing.campaigns.plan.requests import local_day, request_of
from marketing.campaigns.plan.secret import assignment_secret
from marketing.campaigns.plan.sources import Sources, contacts_of, decided_by
from marketing.campaigns.policy.contacts import Contacts
from outbox.store import Store

SECRET = "assignment.key"


def running(sources: Sources, as_of: datetime, unusable: UnusableCampaigns) -> list[CampaignFile]:
    """Return the campaigns of the folder that run on the day of an instant; `unusable` gets those that are broken."""
    settings = sources.settings
    found = read_folder(settings.campaigns_folder, settings.paths.audiences, {"running"}, unusable)
    day = local_day(as_of, sources)
    return [file for file in found if _runs(file, day)]


def checked(files: Sequence[CampaignFile], sources: Sources, unusable: UnusableCampaigns) -> list[CampaignFile]:
    """Return the campaigns that pass their check.

    Raises:
        MarketingError: a wanted campaign cannot be launched; `unusable` gets the others.
    """
    usable = []
    for file in files:
        with unusable.noted(file.path):
            check_campaign(file, sources)
            usable.append(file)
    return usable


def plan_files(
    files: Sequence[CampaignFile], store: Store, sources: Sources, as_of: datetime, unusable: UnusableCampaigns
) -> list[Planned]:
    """Plan checked campaigns together.

    Raises:
        MarketingError: something that a wanted campaign needs is missing; `unusable` gets the others.
    """
    classes = [file.campaign.message_class for file in files]
    contacts = contacts_of(store, as_of, sources.policy, classes)
    requests = []
    for file in files:
        with unusable.noted(file.path):
            requests.append(request_of(file, sources, decided_by(store, file.campaign.id), as_of, contacts))
    return plan_campaigns(requests, contacts, sources.policy, as_of, _secret(sources))


def replay_files(
    files: Sequence[CampaignFile], store: Store, sources: Sources, instants: Sequence[datetime]
) -> dict[str, Replayed]:
    """Repeat the plans of checked campaigns at past instants, ascending.

    Raises:
        MarketingError: something that all plans of a campaign need is missing.
    """
    classes = [file.campaign.message_class for file in files]
    at = {instant: Sources.of(sources.settings, sources.recommend, instant) for instant in instants}

    def request(file: CampaignFile, decided: pa.Table, instant: datetime) -> Request:
        if not _runs(file, local_day(instant, sources)):
            raise CampaignError("The campaign did not run on this day.")
        return request_of(file, at[instant], decided, instant, contacts(instant))

    @cache
    def contacts(instant: datetime) -> Contacts:
        found = contacts_of(store, instant, sources.policy, classes)
        until = pc.less_equal(found.messages["at"], pa.scalar(instant, pa.timestamp("us")))
        return replace(found, messages=found.messages.filter(until))

    def scores(instant: datetime) -> date | None:
        try:
            return at[instant].publication.as_of
        except ScoresError:
            return None

    known = Known(request, contacts, scores)
    return replay(files, instants, known, sources.policy, _secret(sources))


def _runs(file: CampaignFile, day: date) -> bool:
    schedule = file.campaign.schedule
    return not (schedule.starts and day < schedule.starts) and not (schedule.ends and day > schedule.ends)


def _secret(sources: Sources) -> bytes:
    return assignment_secret(sources.settings.paths.plans / SECRET)
