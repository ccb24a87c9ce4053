"""Purposes of sensitive inferences: what a shop may infer about its customers, as data."""

import difflib
import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from marketing.errors import MarketingError

PACKAGED = Path(__file__).with_name("policy.toml")
DEMO = Path(__file__).with_name("demo_policy.toml")


class PolicyError(MarketingError):
    """A policy cannot be read, or names an unknown kind of inference."""


class Policy(BaseModel):
    """A shop's policy.

    Attributes:
        purposes: the purpose by kind of sensitive inference; empty if the shop named none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    purposes: dict[str, str]

    @property
    def allowed(self) -> frozenset[str]:
        """Return the kinds of sensitive inference for which a purpose is named."""
        return frozenset(kind for kind, purpose in self.purposes.items() if purpose)


def load_policy(own: Path | None, is_demo: bool = False) -> Policy:
    """Read a shop's policy; a kind that it does not name has no purpose.

    Args:
        own: the shop's file; None for the packaged one, in which everything sensitive is off.
        is_demo: whether the data is the demo's, whose policy names purposes.

    Raises:
        PolicyError: the file cannot be read, or names a kind that no tag has.
    """
    packaged = _read(PACKAGED)
    policy = _read(own or (DEMO if is_demo else PACKAGED))
    for kind in policy.purposes:
        if kind not in packaged.purposes:
            close = difflib.get_close_matches(kind, packaged.purposes, 1)
            hint = f" Did you mean '{close[0]}'?" if close else ""
            raise PolicyError(
                f"{own or DEMO} names the purpose of '{kind}', which is not a kind of sensitive inference.{hint} Known "
                f"kinds: {', '.join(sorted(packaged.purposes))}."
            )
    return Policy(purposes={**packaged.purposes, **policy.purposes})


def _read(path: Path) -> Policy:
    try:
        return Policy.model_validate(tomllib.loads(path.read_text()))
    except OSError as error:
        raise PolicyError(
            f"REACH_MARKETING_POLICY names {path}, which cannot be read ({error.strerror}). Correct the path, or unset "
            "it for the packaged policy."
        ) from error
    except (ValidationError, ValueError) as error:
        raise PolicyError(f"{path} is not a policy: {error}") from error
