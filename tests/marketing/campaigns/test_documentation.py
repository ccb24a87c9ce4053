"""docs/campaigns.md names every field, trigger, reason and command option."""

import re
from pathlib import Path
from typing import get_args

import pytest

from core.toml.sections import Section
from marketing.campaigns.definition.campaign import Campaign
from marketing.campaigns.plan.reasons import Reason
from marketing.campaigns.triggers.definitions import Trigger

PAGE = Path("docs/campaigns.md").read_text()
FIELDS = PAGE.partition("## Fields")[2].partition("## Triggers")[0]
TRIGGERS = PAGE.partition("## Triggers")[2].partition("## Templates")[0]
REASONS = PAGE.partition("## Who gets no message")[2].partition("## Contact policy")[0]


def sections() -> dict[str, type[Section]]:
    """The model of each section by its name."""
    return {
        name: kind
        for name, field in Campaign.model_fields.items()
        for kind in (field.annotation, *get_args(field.annotation))
        if isinstance(kind, type) and issubclass(kind, Section)
    }


@pytest.mark.parametrize("name", sections())
def test_every_field_of_a_section_is_in_the_table(name: str) -> None:
    row = [line for line in FIELDS.splitlines() if f"`{name}." in line]
    words = set(re.findall(r"[a-z_]+", " ".join(row)))
    if name != "trigger":
        assert set(sections()[name].model_fields) <= words


def test_every_field_outside_a_section_is_in_the_table() -> None:
    words = set(re.findall(r"`([a-z_]+)[`.]", FIELDS))
    assert set(Campaign.model_fields) <= words


def test_every_trigger_and_its_own_fields_are_in_the_table() -> None:
    for kind in get_args(get_args(Trigger)[0]):
        name = get_args(kind.model_fields["type"].annotation)[0]
        [row] = [line for line in TRIGGERS.splitlines() if line.startswith(f"| `{name}`")]
        for field in set(kind.model_fields) - {"type", "cooldown_days", "min_probability"}:
            assert f"`{field}" in row, (name, field)


def test_every_reason_is_in_the_table_in_the_order_of_the_checks() -> None:
    named = [line.split("`")[1] for line in REASONS.splitlines() if line.startswith("| `")]
    assert set(named) - {"planned_by_another_campaign"} == {str(reason) for reason in Reason} - {""}
