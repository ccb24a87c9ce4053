"""Render docs/features.md: every declared feature in a table."""

from features.declarations import TABLES
from features.feature import Exactness, Feature, FeatureTable, Updater

HEADER = """# The features

Made by `.venv/bin/python -m features` from [features/declarations.py](../features/declarations.py); a test compares
the two. A row is of one instant, the snapshot; the SQL is in `dbt/models/marts/features/`. The last column names the
effect of a purchase in the running service. A "batch only" feature keeps the published value until the next build.
Where the column names no estimate, the live value equals the one that dbt computes from the same purchases later.
[Add a feature](add-a-feature.md) shows how one comes in.
"""


def page() -> str:
    """Return the page as Markdown."""
    return HEADER + "".join(_section(table) for table in TABLES)


def _section(table: FeatureTable) -> str:
    rows = [f"| {' | '.join(_cells(feature))} |\n" for feature in table.features]
    head = "| feature | type | meaning | window | when a purchase arrives |\n|---|---|---|---|---|\n"
    return f"\n## {table.name}\n\n{table.text} One row a {table.entity}.\n\n{head}{''.join(rows)}"


def _cells(feature: Feature) -> tuple[str, ...]:
    return f"`{feature.name}`", feature.type, feature.text, feature.window.text, _change(feature)


def _change(feature: Feature) -> str:
    change = feature.purchase_effect
    if not isinstance(change, Updater):
        return f"*batch only*: {change.meaning}"
    return change.text if change.exactness is Exactness.ALWAYS else f"{change.text}; {change.exactness}"
