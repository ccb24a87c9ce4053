"""Define the declaration of a feature and of a table of features, and check it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

PURCHASES = "transactions"
"""The landing table of purchases; features derived from it change with every purchase."""


class FeatureDeclarationError(Exception):
    """A declaration that cannot hold; raised when `features.declarations` is imported."""


class Type(StrEnum):
    """A feature's type: of a column in dbt, of a field in Feast."""

    NUMBER = "number"
    TEXT = "text"
    NUMBERS = "numbers"
    """One per product, category or week: the table's text names what its lists are aligned with."""
    TEXTS = "texts"


class Range(StrEnum):
    """The allowed range of a number, checked before features are published."""

    NOT_NEGATIVE = "not negative"
    """Counts, money, days since something."""
    SHARE = "between 0 and 1"
    ANY = "any"


class Exactness(StrEnum):
    """How far the live value is the one that dbt makes of the same purchases later."""

    ALWAYS = "exact"
    SAME_DAY = "exact until midnight, then an estimate"
    """A row does not hold single purchases, so it cannot show which purchases leave a window at midnight."""
    NEVER = "an estimate"


@dataclass(frozen=True)
class Window:
    """The time that a feature is about.

    Attributes:
        days: Its length before the instant of the features, if it is a number of days; 0 if it is not.
        ahead: Whether it lies after that instant, as planned promotions do.
    """

    text: str
    days: int = 0
    ahead: bool = False


EVER = Window("ever")
UNDATED = Window("undated")


def weeks(count: int) -> Window:
    """Return a window of `count` weeks before the instant of the features."""
    return Window(f"{count} week{'s' if count > 1 else ''}", 7 * count)


def next_weeks(count: int) -> Window:
    """Return a window of `count` weeks after the instant of the features."""
    return Window(f"next {count} week{'s' if count > 1 else ''}", 7 * count, ahead=True)


@dataclass(frozen=True)
class Updater:
    """The update of a feature between two builds; `features.product` and `features.customer` hold them all.

    Attributes:
        text: The effect of a purchase, for the documentation.
        exactness: How far the outcome is dbt's.
        needs: Features of the same table that the arithmetic reads.
    """

    text: str
    exactness: Exactness
    needs: tuple[str, ...]


@dataclass(frozen=True)
class BatchOnly:
    """Declares that a feature keeps its published value until the next build.

    Attributes:
        meaning: Its meaning for a reader of the feature.
    """

    meaning: str


NOT_BY_PURCHASES = BatchOnly("purchases do not change it")


@dataclass(frozen=True)
class Feature:
    """One feature. The column of that name in dbt's model is the truth of its value.

    Attributes:
        on_purchase: Its update when a purchase arrives.
        source: The table of a landing that it comes from.
        is_input: Whether models read it.
        range: Its allowed range, if it is a number.
    """

    name: str
    type: Type
    text: str
    window: Window = EVER
    on_purchase: Updater | BatchOnly | None = None
    source: str = PURCHASES
    is_input: bool = True
    range: Range = Range.NOT_NEGATIVE

    def __post_init__(self) -> None:
        if self.on_purchase is None and self.source == PURCHASES:
            raise FeatureDeclarationError(
                f"The feature '{self.name}' comes from purchases and does not declare what a purchase does to it. "
                "Give it on_purchase=… : an updater of features/product.py or features/customer.py, or "
                'BatchOnly("what a value of the last build means"); docs/add-a-feature.md shows how.'
            )

    @property
    def purchase_effect(self) -> Updater | BatchOnly:
        """The update of the feature when a purchase arrives."""
        return self.on_purchase or NOT_BY_PURCHASES


@dataclass(frozen=True)
class FeatureTable:
    """The features of one of dbt's models, `feat_<name>`, and of the Feast view `<name>`.

    Attributes:
        entity: The entity of a row: customer, product or campaign.
        updaters: The kinds of updaters that the customer's state between two builds calls.
        of_campaigns: Whether campaigns date its rows (their starts or ends) and not only snapshots. Such a table is
            empty for a shop without campaigns.
    """

    name: str
    entity: str
    text: str
    features: Sequence[Feature]
    updaters: tuple[type[Updater], ...] = ()
    of_campaigns: bool = False

    def __post_init__(self) -> None:
        names = [feature.name for feature in self.features]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise FeatureDeclarationError(f"The table '{self.name}' declares {', '.join(twice)} more than once.")
        for feature in self.features:
            if isinstance(feature.on_purchase, Updater):
                self._check(feature, feature.on_purchase, names)

    def _check(self, feature: Feature, updater: Updater, names: Sequence[str]) -> None:
        """Refuse an updater that would do nothing, or read what is not there, when a purchase arrives."""
        its = f"The updater of '{feature.name}'"
        if not isinstance(updater, self.updaters):
            kinds = " or ".join(kind.__name__ for kind in self.updaters) or "none"
            raise FeatureDeclarationError(
                f"{its} is a {type(updater).__name__}, which is never called in '{self.name}' (it takes {kinds})."
                " Give it one of these, or BatchOnly(…)."
            )
        if updater.exactness is Exactness.SAME_DAY and not feature.window.days:
            raise FeatureDeclarationError(
                f"{its} counts within a window of days, and '{feature.window.text}' is none. Declare one, such as "
                "weeks(4), or give the feature an updater that counts all."
            )
        if missing := [name for name in updater.needs if name not in names]:
            raise FeatureDeclarationError(
                f"{its} reads {', '.join(missing)}, which '{self.name}' does not declare. Declare it there, or give "
                "the feature another updater."
            )

    @cached_property
    def by_name(self) -> dict[str, Feature]:
        """Return the features by name."""
        return {feature.name: feature for feature in self.features}

    def inputs(self, type: Type) -> tuple[str, ...]:
        """Names of the features of a type that models read, in the order of the models' inputs."""
        return tuple(feature.name for feature in self.features if feature.type is type and feature.is_input)


def number(
    name: str,
    text: str,
    window: Window = EVER,
    on_purchase: Updater | BatchOnly | None = None,
    source: str = PURCHASES,
    range: Range = Range.NOT_NEGATIVE,
) -> Feature:
    """Declare a number."""
    return Feature(name, Type.NUMBER, text, window, on_purchase, source, range=range)


def numbers(name: str, text: str, window: Window, on_purchase: Updater | BatchOnly | None = None) -> Feature:
    """Declare a list of numbers: one for each product, category or week of a customer's row."""
    return Feature(name, Type.NUMBERS, text, window, on_purchase)


def category(
    name: str,
    text: str,
    source: str,
    window: Window = UNDATED,
    on_purchase: Updater | BatchOnly | None = None,
    is_input: bool = True,
) -> Feature:
    """Declare a text; '' is unknown."""
    return Feature(name, Type.TEXT, text, window, on_purchase, source, is_input)
