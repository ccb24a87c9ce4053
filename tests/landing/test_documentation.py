"""The guide shows the contract the code enforces."""

import re

from landing.contract import DECISIONS, EXPOSURES, PROMOTIONS_PLANNED_DAYS, TABLES
from settings import ROOT

GUIDE = (ROOT / "docs" / "bring-your-own-data.md").read_text()


def _documented() -> dict[str, tuple[str, str, list[list[str]]]]:
    """Table name -> required or optional, description, rows of its table."""
    sections = re.findall(r"### (\w+) \((\w+)\)\n\n(.+?)\n\n((?:\|.+\n)+)", GUIDE)
    return {
        name: (kind, text, [[cell.strip() for cell in row.strip("|").split("|")] for row in rows.splitlines()[2:]])
        for name, kind, text, rows in sections
    }


def test_the_guide_lists_every_table_and_column_as_the_contract_has_it() -> None:
    expected = {
        table.name: (
            "required" if table.required else "optional",
            table.description,
            [[c.name, c.type, "yes" if c.required else "no", c.description] for c in table.columns],
        )
        for table in (*TABLES, DECISIONS, EXPOSURES)
    }
    assert _documented() == expected


def test_the_guide_says_how_far_ahead_promotions_are_known() -> None:
    assert f"up to {PROMOTIONS_PLANNED_DAYS} days after" in GUIDE


def test_the_guides_example_holds_the_required_columns_only() -> None:
    example = {table.name: ",".join(table.required_columns) for table in TABLES if table.required}
    assert re.search(rf"{example['transactions']}\s+{example['products']}\n", GUIDE)
