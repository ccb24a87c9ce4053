"""Write the first page of Data Docs: every check, the broken ones first, each with a link to its details.

Great Expectations' own first page is a table without severities, and jQuery has to fill it in.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

from quality.check import Outcome

_ORDER = ("critical", "warning", "met")


def write_index(site: Path, title: str, where: str, outcomes: Sequence[Outcome]) -> Path:
    """Write the first page of the site.

    Args:
        site: The folder of the Data Docs.
        title: The page's title.
        where: Sentence about the file in which limits and severities are set.
        outcomes: The outcomes of all checks.

    Returns:
        The path of the page.
    """
    rows = sorted(outcomes, key=lambda outcome: _ORDER.index(_state(outcome)))
    met = sum(outcome.success for outcome in outcomes)
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
    return "met" if outcome.success else outcome.check.severity


def _row(outcome: Outcome, site: Path) -> str:
    check, state = outcome.check, _state(outcome)
    details = next((site / "validations" / check.frame).rglob("*.html"), None)
    name = escape(check.name)
    if details is not None:
        name = f'<a href="{escape(details.relative_to(site).as_posix())}">{name}</a>'
    found = "" if outcome.success else f"{escape(outcome.details)}<br><small>{escape(check.advice)}</small>"
    return f'<tr class="{state}"><th>{state}</th><td>{name}</td><td>{found}</td><td>{escape(check.limit)}</td></tr>'
