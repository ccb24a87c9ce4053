"""Writes the first page of Data Docs: every check, the broken ones first, each with a link to its details.

Great Expectations' own first page is a table that jQuery fills in, and it does not know of severities.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

from quality.check import Outcome

_ORDER = ("critical", "warning", "met")


def write_index(site: Path, title: str, where: str, outcomes: Sequence[Outcome]) -> Path:
    """Write `index.html` of the site and return it. `where`: where limits and severities are set."""
    rows = sorted(outcomes, key=lambda outcome: _ORDER.index(_state(outcome)))
    met = sum(outcome.met for outcome in outcomes)
    text = Template(Path(__file__).with_name("index.html").read_text()).substitute(
        title=escape(title),
        lead=f"{met} of {len(outcomes)} checks are met.",
        rows="\n".join(_row(outcome, site) for outcome in rows),
        where=escape(where),
    )
    page = site / "index.html"
    page.write_text(text)
    return page


def _state(outcome: Outcome) -> str:
    return "met" if outcome.met else outcome.check.severity


def _row(outcome: Outcome, site: Path) -> str:
    check, state = outcome.check, _state(outcome)
    details = next((site / "validations" / check.frame).rglob("*.html"), None)
    name = escape(check.name)
    if details is not None:
        name = f'<a href="{escape(details.relative_to(site).as_posix())}">{name}</a>'
    found = "" if outcome.met else f"{escape(outcome.what)}<br><small>{escape(check.advice)}</small>"
    return f'<tr class="{state}"><th>{state}</th><td>{name}</td><td>{found}</td><td>{escape(check.limit)}</td></tr>'
