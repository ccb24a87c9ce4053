"""Turn what a person writes into a form into the values of a campaign's file, and put them into its sections.

A text that is not a number or a day stays a text, so the campaign's own check names it as it was written.
"""

import re
from collections.abc import Mapping
from datetime import date, time
from typing import Any

from starlette.datastructures import FormData

Fields = dict[str, Any]

SHARES = {"audience.min_probability": "Probability at least"}
"""Labels of the inputs in percent, by the field of a campaign's file."""

_SHARE = re.compile(
    rf"(?P<name>{'|'.join(map(re.escape, SHARES))}) = (?P<value>-?[\d.]+): Input should be (?:less|greater) "
)


def text(form: FormData, name: str) -> str:
    """Return a field without blanks around it; empty if the form has none."""
    return str(form.get(name) or "").replace("\r\n", "\n").strip()


def number(form: FormData, name: str) -> Any:
    """Return a field as a number; None if it is empty."""
    found = text(form, name)
    for kind in (int, float):
        try:
            return kind(found)
        except ValueError:
            continue
    return found or None


def percent(form: FormData, name: str) -> Any:
    """Return a field in percent as a share; None if it is empty."""
    found = number(form, name)
    return round(found / 100, 6) if isinstance(found, int | float) else found


def day(form: FormData, name: str) -> Any:
    """Return a field as a day; None if it is empty."""
    return day_of(text(form, name))


def day_of(found: str) -> Any:
    """Return a text as a day; None if it is empty."""
    try:
        return date.fromisoformat(found)
    except ValueError:
        return found or None


def clock(form: FormData, name: str) -> Any:
    """Return a field as a time of day; None if it is empty."""
    found = text(form, name)
    try:
        return time.fromisoformat(found)
    except ValueError:
        return found or None


def words(form: FormData, name: str) -> list[str]:
    """Return the words of a field, which commas, blanks or line breaks separate."""
    return text(form, name).replace(",", " ").split()


def in_form_words(problem: str) -> str:
    """Return a problem of a share that is out of range in percent, as the form shows it; another problem stays."""
    found = _SHARE.match(problem)
    if found is None:
        return problem
    return f"'{SHARES[found['name']]}' is {100 * float(found['value']):g}%. Give a number from 0% to 100%."


def put(fields: Fields, section: str, values: Mapping[str, Any]) -> None:
    """Put values into a section; None, an empty text or an empty list removes a value, and an empty section goes."""
    found = dict(fields.get(section) or {})
    for name, value in values.items():
        if value is None or value in ("", []):
            found.pop(name, None)
        else:
            found[name] = value
    if found:
        fields[section] = found
    else:
        fields.pop(section, None)
