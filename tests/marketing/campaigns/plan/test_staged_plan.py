"""A trial shows messages that differ; a staged plan is read back as the decisions that it holds."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from core.restricted import Restricted
from marketing.campaigns.content.rendering import MESSAGES, Renderer
from marketing.campaigns.errors import CampaignError
from marketing.campaigns.plan.plan import plan_campaigns
from marketing.campaigns.plan.staged_plan import Terms, different, outbox_plan, read_record, stage
from marketing.campaigns.policy.restricted import COLUMNS, Products
from tests.support.marketing.campaign_shop import NOON
from tests.support.marketing.plan_requests import POLICY, SECRET, campaign, contacts, ids, request

NO_PRODUCTS = Products(
    pa.schema([(name, pa.string()) for name in COLUMNS]).empty_table(), frozenset(), frozenset(), Restricted()
)


def staged(folder: Path) -> Path:
    """A plan of forty customers; one has no consent, and about a half is held out."""
    file = campaign(experiment={"holdout": 0.5})
    [planned] = plan_campaigns([request(file, ids(40))], contacts(ids(40), ("c07",)), POLICY, NOON, SECRET)
    terms = Terms(POLICY, Restricted(categories=("BEER*",)), "webhook")
    stage(folder / "one", planned, Renderer(planned, NO_PRODUCTS), terms, NOON)
    return folder / "one"


def test_a_staged_plan_is_read_as_the_outbox_takes_it(tmp_path: Path) -> None:
    folder = staged(tmp_path)
    plan = outbox_plan(folder)
    decisions = {decision.customer_id: decision for decision in plan.decisions}
    assert list(decisions) == ids(40)
    assert plan.plan_id.startswith("one-20180101T170000-")
    assert plan.policy == POLICY
    assert (decisions["c07"].outcome, decisions["c07"].reason) == ("suppressed", "no_consent")
    messages = [decision.message for decision in decisions.values() if decision.message]
    held_out = [decision for decision in decisions.values() if decision.is_holdout]
    assert len(messages) + len(held_out) == 39
    assert {message.delivery for message in messages} == {"webhook"}
    assert {message.content.body_text for message in messages} == {"all https://unsubscribe.invalid/"}
    assert all(decision.content == "all" and decision.message is None for decision in held_out)
    assert json.loads((folder / "plan.json").read_text())["restricted"]["categories"] == ["BEER*"]


def test_a_plan_that_is_missing_or_damaged_names_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(CampaignError, match=r"No plan is staged in .*campaign plan none"):
        read_record(tmp_path / "none")
    folder = staged(tmp_path)
    (folder / "plan.json").write_text("{}")
    with pytest.raises(CampaignError, match=r"plan.json cannot be read"):
        read_record(folder)


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([("a", "1"), ("a", "1"), ("a", "2"), ("b", "1"), ("a", "3")], [("a", "1"), ("a", "2"), ("b", "1")]),
        ([("a", "1"), ("a", "1"), ("a", "1"), ("a", "1")], [("a", "1")] * 3),
        ([("a", "1")], [("a", "1")]),
        ([], []),
    ],
)
def test_different_contents_and_subjects_are_shown_first(
    messages: list[tuple[str, str]], expected: list[tuple[str, str]]
) -> None:
    table = pa.Table.from_pylist([{"content": content, "subject": subject} for content, subject in messages], MESSAGES)
    shown = different(table)
    assert list(zip(shown["content"].to_pylist(), shown["subject"].to_pylist(), strict=True)) == expected
