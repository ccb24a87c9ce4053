"""Read severities and limits from `thresholds.toml`, and replace those that a shop sets itself."""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from quality.check import Check
from quality.errors import ThresholdsError

DEFAULTS = Path(__file__).with_name("thresholds.toml")
LIMITS = frozenset({"min_value", "max_value"})
"""Numbers that a check compares with; other numbers of a check are used to compute its value."""


class Threshold(BaseModel):
    """One check's section: severity, reason, and its numbers."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, allow_inf_nan=False)
    __pydantic_extra__: dict[str, float]

    severity: Literal["critical", "warning", "off"]
    reason: str

    @property
    def numbers(self) -> dict[str, float]:
        """The numbers of the section."""
        return dict(self.__pydantic_extra__ or {})


@dataclass(frozen=True)
class Thresholds:
    """The thresholds of one checkpoint by the check's name, and the shop's file that changed them, if any."""

    checkpoint: str
    by_check: Mapping[str, Threshold]
    source: Path | None

    def applied(self, checks: Iterable[Check]) -> list[Check]:
        """Return the checks with severity and limits, without those that are off."""
        found = []
        for check in checks:
            threshold = self.by_check[check.name]
            if threshold.severity != "off":
                limits = {name: value for name, value in threshold.numbers.items() if name in LIMITS}
                arguments = MappingProxyType({**check.arguments, **limits})
                found.append(replace(check, severity=threshold.severity, arguments=arguments))
        return found


def load_thresholds(checkpoint: str, own: Path | None) -> Thresholds:
    """Return the checkpoint's thresholds: Reach's, replaced by those in the file `own`.

    Raises:
        ThresholdsError: The file cannot be used; the message names file, section and value.
    """
    defaults = _read(DEFAULTS)
    if own is not None:
        _overlay(defaults, _read(own), own)
    by_check = {
        name: _threshold(own or DEFAULTS, checkpoint, name, given) for name, given in defaults[checkpoint].items()
    }
    return Thresholds(checkpoint, by_check, own)


Sections = dict[str, dict[str, dict[str, object]]]


def _read(path: Path) -> Sections:
    try:
        found: Sections = tomllib.loads(path.read_text())
    except OSError as error:
        raise ThresholdsError(
            f"REACH_QUALITY_THRESHOLDS names {path}, which cannot be read ({error.strerror}). "
            "Name a file in TOML, or unset it."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ThresholdsError(f"{path} is not valid TOML: {error}. See {DEFAULTS} for the shape.") from error
    for checkpoint, checks in found.items():
        if not isinstance(checks, dict) or not all(isinstance(given, dict) for given in checks.values()):
            raise ThresholdsError(
                f"{path}: '{checkpoint}' is not a section of checks. Write a section such as "
                f'[landing.lines_are_fresh] with severity = "warning" and max_value = 30.'
            )
    return found


def _overlay(defaults: Sections, own: Sections, path: Path) -> None:
    for checkpoint, checks in own.items():
        if checkpoint not in defaults:
            raise ThresholdsError(f"{path}: there is no checkpoint '{checkpoint}'. {_known(checkpoint, defaults)}")
        for name, given in checks.items():
            if name not in defaults[checkpoint]:
                known = _known(name, defaults[checkpoint])
                raise ThresholdsError(f"{path}: the checkpoint '{checkpoint}' has no check '{name}'. {known}")
            known_keys = defaults[checkpoint][name]
            for key in given:
                if key not in known_keys:
                    raise ThresholdsError(f"{path}: [{checkpoint}.{name}] has no '{key}'. {_known(key, known_keys)}")
            known_keys.update(given)


def _threshold(path: Path, checkpoint: str, name: str, given: Mapping[str, object]) -> Threshold:
    try:
        threshold = Threshold.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ThresholdsError(f"{path}: [{checkpoint}.{name}] {key} = {first['input']!r}: {first['msg']}.") from error
    low, high = threshold.numbers.get("min_value"), threshold.numbers.get("max_value")
    if low is not None and high is not None and low > high:
        raise ThresholdsError(f"{path}: [{checkpoint}.{name}] min_value = {low} is above max_value = {high}.")
    return threshold


def _known(name: str, names: Iterable[str]) -> str:
    """Return the names that exist: the nearest ones, or all if none is near."""
    known = sorted(names)
    return f"Known: {', '.join(difflib.get_close_matches(name, known, 3, 0.5) or known)}."
