"""A plan decides about every target, with a reason, an arm and a propensity; the same inputs give the same plan."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from experiments.assignment import assign, experiment_key
from marketing.campaigns.content.slots import OFFERS
from marketing.campaigns.plan.plan import DECISIONS, Planned, plan_campaigns
from outbox.plan import ContactPolicy, GlobalHoldOut
from tests.support.marketing.campaign_shop import NOON
from tests.support.marketing.plan_requests import DECIDED, POLICY, SECRET, campaign, contacts, ids, request


def planned(*requests: object, **known: object) -> list[Planned]:
    customers = known.pop("customers", ids(8))
    return plan_campaigns(requests, contacts(customers, **known), POLICY, NOON, SECRET)


def reasons(found: Planned) -> dict[str, str]:
    columns = found.decisions.select(["customer_id", "reason"]).to_pydict()
    return dict(zip(columns["customer_id"], columns["reason"], strict=True))


def test_each_reason_is_given_to_whom_it_applies() -> None:
    customers = ids(8)
    [found] = planned(
        request(
            campaign(recommendations={"least": 2}),
            customers,
            content=pa.array(["all"] * 3 + [None] + ["all"] * 4),
            product_ids=pa.array([["p1", "p2"]] * 4 + [["p1"]] + [["p1", "p2"]] * 3),
            values=[1.0] * 5 + [np.nan, 1.0, 1.0],
        ),
        customers=customers[1:],
        without_consent=("c01",),
        suppressed=("c02",),
        messages={"c06": NOON - timedelta(days=2)},
    )
    assert list(reasons(found).values()) == [
        "no_address", "no_consent", "suppression_list", "no_content", "too_few_products", "not_enough_evidence",
        "frequency_cap", "",
    ]  # fmt: skip
    assert found.decisions.schema == DECISIONS
    assert found.decisions["outcome"].to_pylist() == ["suppressed"] * 7 + ["planned"]


def test_transactional_messages_need_no_consent_and_have_no_cap() -> None:
    file = campaign(message_class="transactional")
    [found] = planned(request(file, ids(2)), without_consent=("c00",), messages={"c01": NOON})
    assert set(reasons(found).values()) == {""}


def test_the_cooldown_counts_earlier_decisions_of_the_campaign() -> None:
    decided = pa.table([["c00"], ["planned"], [NOON - timedelta(days=10)]], schema=DECIDED)
    trigger = {"type": "lapse_rising", "cooldown_days": 14}
    [found] = planned(request(campaign(trigger=trigger), ids(2), decided=decided))
    assert reasons(found) == {"c00": "cooldown", "c01": ""}


def test_the_hold_out_is_the_keyed_hash_among_the_eligible_with_propensities() -> None:
    customers = ids(60)
    file = campaign(experiment={"holdout": 0.25})
    [found] = planned(request(file, customers), customers=customers, without_consent=("c05",))
    eligible = [one for one in customers if one != "c05"]
    shares = {"holdout": 0.25, "message": 0.75}
    expected = dict(zip(eligible, assign(experiment_key(SECRET, "one"), eligible, shares), strict=True))
    rows = found.decisions.to_pylist()
    assert {row["customer_id"]: row["variant"] for row in rows if row["customer_id"] != "c05"} == expected
    assert 5 < sum(row["outcome"] == "held_out" for row in rows) < 26
    for row in rows:
        assert row["propensity"] == (1.0 if row["variant"] == "none" else shares[row["variant"]])
        assert row["reason"] == {"holdout": "hold_out", "message": "", "none": "no_consent"}[row["variant"]]


def test_two_campaigns_have_independent_hold_outs() -> None:
    customers = ids(99)
    both = [campaign(name, experiment={"holdout": 0.5}) for name in ("one", "two")]
    found = [
        planned(request(file, customers), customers=customers)[0].decisions["variant"].to_pylist() for file in both
    ]
    same = sum(a == b for a, b in zip(*found, strict=True))
    assert 30 < same < 70


@pytest.mark.parametrize("is_reversed", [False, True])
def test_the_campaign_of_higher_value_gets_the_customer_in_any_order(is_reversed: bool) -> None:
    requests = [request(campaign("one"), ids(3), [1.0, 5.0, 3.0]), request(campaign("two"), ids(2), [2.0, 4.0])]
    found = planned(*(requests[::-1] if is_reversed else requests))
    by_id = {one.request.campaign.id: reasons(one) for one in found}
    assert by_id == {
        "one": {"c00": "other_campaign", "c01": "", "c02": ""},
        "two": {"c00": "", "c01": "other_campaign"},
    }


def test_the_budget_pays_for_the_highest_values_first() -> None:
    values = [1.0, 4.0, 3.0, 2.0]
    [found] = planned(request(campaign(budget={"messages": 2}), ids(4), values))
    assert reasons(found) == {"c00": "budget", "c01": "", "c02": "", "c03": "budget"}
    offers = pa.table([["x"] * 4, [1.0] * 4, [1.0] * 4, [True] * 4], schema=OFFERS)
    budget = {"money": 3.3, "cost_per_message": 0.1}
    [found] = planned(request(campaign(offer={}, budget=budget), ids(4), values, offers=offers))
    assert reasons(found) == {"c00": "budget", "c01": "", "c02": "", "c03": ""}


def test_a_budget_of_nothing_sends_nothing() -> None:
    [found] = planned(request(campaign(budget={"money": 0.0, "cost_per_message": 0.1}), ids(2)))
    assert set(reasons(found).values()) == {"budget"}


def test_the_same_inputs_give_the_same_plan() -> None:
    file = campaign(experiment={"holdout": 0.3})
    first, second = (planned(request(file, ids(8)))[0].decisions for _ in range(2))
    assert first.equals(second)


def test_no_targets_are_a_plan_without_decisions() -> None:
    [found] = planned(request(campaign(), []))
    assert found.decisions.num_rows == 0


HELD = replace(POLICY, global_hold_out=GlobalHoldOut(0.3, ("promotional",)))


def test_the_global_hold_out_is_the_same_for_all_campaigns_and_grows_with_its_share() -> None:
    customers = [f"c{number:04}" for number in range(1_000)]

    def held(name: str, policy: ContactPolicy) -> set[str]:
        requests = [request(campaign(name, experiment={"holdout": 0.5}), customers)]
        [found] = plan_campaigns(requests, contacts(customers, ("c0001",)), policy, NOON, SECRET)
        table = found.decisions
        rows = table.filter(pc.equal(table["reason"], "global_hold_out"))
        assert set(rows["outcome"].to_pylist()) <= {"suppressed"}
        assert set(rows["variant"].to_pylist()) <= {"global_holdout"}
        assert set(rows["propensity"].to_pylist()) <= {policy.global_hold_out.share}
        # The campaign's own arms are drawn among the others, independently of this draw.
        own = Counter(name for name in table["variant"].to_pylist() if name not in ("none", "global_holdout"))
        assert set(own) == {"holdout", "message"}
        assert abs(own["holdout"] - own["message"]) < 0.15 * len(customers)
        return set(rows["customer_id"].to_pylist())

    first = held("one", HELD)
    assert 250 < len(first) < 350
    assert held("two", HELD) == first
    larger = replace(HELD, global_hold_out=GlobalHoldOut(0.5, ("promotional",)))
    assert first < held("one", larger)
    assert held("one", POLICY) == set()


def test_the_global_hold_out_gets_receipts() -> None:
    file = campaign("one", message_class="transactional", purpose="service")
    [found] = plan_campaigns([request(file, ids(30))], contacts(ids(30)), HELD, NOON, SECRET)
    assert set(found.decisions["outcome"].to_pylist()) == {"planned"}
