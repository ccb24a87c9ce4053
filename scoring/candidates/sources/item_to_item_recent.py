"""Products that go with what the customer bought in the last weeks, by the EASE model of `item_to_item`."""

from pydantic import Field

from scoring.candidates.source import SourceSettings
from scoring.candidates.sources.item_to_item import ItemToItem


class Settings(SourceSettings):
    """By default the source only scores what others put forward."""

    quota: int = Field(0, ge=0)


class ItemToItemRecent(ItemToItem):
    """Score by the same weights on purchases decayed with 20 days."""

    settings_class = Settings
    text = "Often bought by customers who buy what you bought recently"
    order = 40
    has_rank_feature = False
    model_class = None
    weight = "decayed_20d"
