"""The page of a run of the customer model: what each part publishes and why, with every figure and its bar."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import jinja2

from ml.customers.part import Decision, Verdict

TEMPLATES = Path(__file__).with_name("templates")
STYLE = Path(__file__).parent.parent / "report" / "templates" / "style.css"

HEADLINES = {
    Decision.MODEL: "a model is published",
    Decision.RULE: "a simple rule is published",
    Decision.REFUSED: "nothing new is published",
    Decision.NOT_ENOUGH_DATA: "not enough data to decide",
}


def render(run_id: str, as_of: date, verdicts: Mapping[str, Verdict]) -> str:
    """Return the report's HTML, which needs no other file."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = _figure
    return environment.get_template("report.html.j2").render(
        run_id=run_id, as_of=as_of, verdicts=verdicts, headlines=HEADLINES, style=STYLE.read_text()
    )


def _figure(value: object) -> str:
    """Return a cell's text: four significant digits for a number, a dash for none."""
    if value is None or value != value:
        return "–"
    return f"{value:,.4g}" if isinstance(value, float) else str(value)
