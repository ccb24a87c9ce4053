"""Explain what is wrong in a TOML file: line, field, value and what is allowed."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from core.toml.lines import line_of

SHOWN = 80


def problem(text: str, found: ErrorDetails, model: type[BaseModel], union: str = "") -> str:
    """Return a sentence about one wrong value of a file: line, field, value and what is allowed.

    Args:
        text: The file.
        found: The error, as pydantic reports it.
        model: The content of the file.
        union: The field of the file that holds one of several sections, distinguished by their `type`.
    """
    path, kind = _written_path(found["loc"], union), found["type"]
    if kind == "value_error" and isinstance(found["input"], Mapping):
        # The message begins with the field that it is about.
        message = found["msg"].removeprefix("Value error, ").rstrip(".") + "."
        named = tuple(message.partition(" ")[0].split("."))
        return located(text, (*path, *named), f"{'.'.join(str(part) for part in path)}: {message}" if path else message)
    field, allowed = ".".join(str(part) for part in path), _allowed(found)
    if kind == "missing":
        return located(text, path, f"{field} is missing.")
    if kind == "extra_forbidden":
        return located(text, path, f"{field} is unknown. {_near(found, path, model, union)}")
    return located(text, path, f"{field} = {_shown(found['input'])}: {allowed}")


def located(text: str, path: tuple[str | int, ...], message: str) -> str:
    """Return a sentence about a value, with its line."""
    line = line_of(text, path)
    return f"Line {line}: {message}" if line else message


def _written_path(location: tuple[int | str, ...], union: str) -> tuple[int | str, ...]:
    """Return the path as it stands in the file: without the type that pydantic adds for the section of a union."""
    if len(location) > 1 and location[0] == union:
        return (location[0], *location[2:])
    return location


def _allowed(found: ErrorDetails) -> str:
    message = found["msg"].removeprefix("Value error, ")
    return message[:1].upper() + message[1:].rstrip(".") + "."


def _near(found: ErrorDetails, path: tuple[int | str, ...], whole: type[BaseModel], union: str) -> str:
    model: Any = whole
    for part in path[:-1]:
        if isinstance(part, int):
            continue
        model = _model_of(model, part, found, union)
        if model is None:
            return "Remove it."
    names = list(model.model_fields)
    close = get_close_matches(str(path[-1]), names, 2)
    return f"Did you mean {' or '.join(close)}?" if close else f"Fields here: {', '.join(names)}."


def _model_of(model: Any, field: str, found: ErrorDetails, union: str) -> Any:
    """Return the section that a field holds, whatever optional, tuple or union it is written in."""
    waiting = [model.model_fields[field].annotation] if field in model.model_fields else []
    sections = []
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, type) and hasattr(kind, "model_fields"):
            sections.append(kind)
        waiting += get_args(kind)
    if field == union:
        sections = [one for one in sections if _type_of(one) == found["loc"][1]]
    return sections[0] if sections else None


def _type_of(section: Any) -> str:
    return str(get_args(section.model_fields["type"].annotation)[0])


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= SHOWN else shown[: SHOWN - 1] + "…"
