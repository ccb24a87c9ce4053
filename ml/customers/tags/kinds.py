"""The kinds of tags: habits, interests, statements and given fields. `declarations.py` lists the tags."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

GIVEN = "given by the customer"
OWN_BASKETS = "the customer's own baskets"


@dataclass(frozen=True)
class Habit:
    """A habit, which a column of `feat_customer_habits` contains for all baskets, the odd ones and the even ones.

    Attributes:
        name: of the tag.
        text: what a value means.
        column: the value over all baskets; `<column>_odd` and `<column>_even` are those of the halves.
        agreement: for a word, the column with the share of baskets that agree with it; empty for a number.
        digits: decimal places of a number.
    """

    name: str
    text: str
    column: str
    agreement: str = ""
    digits: int = 2


@dataclass(frozen=True)
class Interests:
    """Categories that a customer buys from significantly more often than the population.

    Attributes:
        name: the tag's name is `<name>:<category>`.
        text: what a tag means.
        least_z: how improbable the number of baskets is at the population's rate, in standard errors.
        least_lift: how many times the population's rate.
        least_baskets: how many baskets with the category there must be.
        bar: the share of tags that the next half-year must confirm.
    """

    name: str
    text: str
    least_z: float
    least_lift: float
    least_baskets: int
    bar: float


@dataclass(frozen=True)
class Statement:
    """A statement about a customer that is true or false: known from a field, or learned from those who gave it.

    Attributes:
        name: of the tag.
        text: the statement.
        column: the field of `feat_customer_profile`.
        sensitive: the kind of sensitive inference, a name in `marketing/policy.toml`.
        bar: the AUC that it must reach on hidden customers.
        at_least: the number that makes it true, for a field of numbers or bands such as `45-54`, `65+`, `Under 15K`.
        words: the words that make it true, for any other field.
    """

    name: str
    text: str
    column: str
    sensitive: str
    bar: float
    at_least: int | None = None
    words: frozenset[str] = frozenset()

    def is_true(self, value: str) -> bool | None:
        """Return whether the statement is true of a customer who gave this value; None if the value leaves it open."""
        if not value:
            return None
        if self.at_least is None:
            return value in self.words
        numbers = [int(digits) for digits in re.findall(r"\d+", value)]
        if not numbers:
            return None
        is_below = value.lower().startswith(("under", "below", "less", "<"))
        low, high = (0, numbers[0] - 1) if is_below else (numbers[0], numbers[-1])
        if low >= self.at_least:
            return True
        is_open = len(numbers) == 1 and not is_below and re.search(r"\d\w?\s*\+|over|more", value.lower())
        return None if high >= self.at_least or is_open else False


@dataclass(frozen=True)
class GivenField:
    """A field of the customer's record that is a tag without any model.

    Attributes:
        name: of the tag.
        text: what a value means.
        column: a text column of `feat_customer_profile`.
        sensitive: the kind of sensitive fact, a name in `marketing/policy.toml`; empty if it is none.
    """

    name: str
    text: str
    column: str
    sensitive: str = ""


@dataclass(frozen=True)
class Declarations:
    """All tags of a shop.

    Attributes:
        classes: fields whose exact value is tried as well, to show that it is unpredictable.
    """

    habits: tuple[Habit, ...]
    interests: Interests
    statements: tuple[Statement, ...]
    given: tuple[GivenField, ...]
    classes: tuple[str, ...]

    def sensitive(self) -> Mapping[str, str]:
        """Return the sensitive kind by tag; a tag that is not in it is not sensitive."""
        found = {statement.name: statement.sensitive for statement in self.statements}
        return found | {given.name: given.sensitive for given in self.given if given.sensitive}
