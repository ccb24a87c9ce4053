"""Where caps allow fewer messages than campaigns want, the higher expected value wins in any order of planning."""

import numpy as np
import pytest

from marketing.campaigns.plan.reasons import Reason, Reasons
from marketing.campaigns.policy.competition import Claim, settle


def claim(campaign_id: str, customers: list[int], values: list[float], allowance: int = 1) -> Claim:
    count = len(customers)
    return Claim(campaign_id, np.array(customers), np.array(values), np.full(count, allowance), Reasons(count))


def reasons(found: Claim) -> list[str]:
    return found.reasons.texts().to_pylist()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_the_higher_value_wins_and_equal_values_go_by_id(order: tuple[int, ...]) -> None:
    claims = [claim("a", [1, 2, 3], [5, 1, 2]), claim("b", [1, 2], [4, 2]), claim("c", [3], [2])]
    settle([claims[number] for number in order])
    assert [reasons(found) for found in claims] == [
        ["", "other_campaign", ""],
        ["other_campaign", ""],
        ["other_campaign"],
    ]


def test_room_for_two_keeps_the_two_best() -> None:
    claims = [claim(name, [7], [value], allowance=2) for name, value in (("a", 1.0), ("b", 3.0), ("c", 2.0))]
    settle(claims)
    assert [reasons(found) for found in claims] == [["other_campaign"], [""], [""]]


def test_no_room_is_the_cap_and_not_another_campaign() -> None:
    found = claim("a", [1, 2], [5, 5], allowance=0)
    settle([found, claim("b", [1], [9], allowance=0)])
    assert reasons(found) == ["frequency_cap", "frequency_cap"]


def test_a_target_with_a_reason_claims_nothing() -> None:
    first, second = claim("a", [1], [9]), claim("b", [1], [1])
    first.reasons.add(Reason.NO_CONSENT, np.array([True]))
    settle([first, second])
    assert (reasons(first), reasons(second)) == (["no_consent"], [""])


def test_claims_without_targets_are_settled() -> None:
    settle([claim("a", [], []), claim("b", [], [])])
