"""What a given field says about a statement."""

import pytest

from ml.customers.tags.kinds import Statement

AGE = Statement("age_55", "", "age_band", "age", 0.8, at_least=55)
INCOME = Statement("income_75k", "", "income_band", "income", 0.74, at_least=75)
OWNER = Statement("homeowner", "", "home_ownership", "home", 0.75, words=frozenset({"Homeowner"}))


@pytest.mark.parametrize(
    ("statement", "value", "expected"),
    [
        (AGE, "55-64", True),
        (AGE, "45-54", False),
        (AGE, "65+", True),
        (AGE, "50+", None),
        (AGE, "50-59", None),
        (AGE, "", None),
        (AGE, "unknown", None),
        (INCOME, "Under 15K", False),
        (INCOME, "Under 100K", None),
        (INCOME, "50-74K", False),
        (INCOME, "75-99K", True),
        (INCOME, "250K+", True),
        (INCOME, "50K+", None),
        (OWNER, "Homeowner", True),
        (OWNER, "Renter", False),
    ],
)
def test_a_band_that_holds_both_answers_leaves_a_statement_open(
    statement: Statement, value: str, expected: bool | None
) -> None:
    assert statement.is_true(value) is expected
