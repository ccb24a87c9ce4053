"""What every request has in common: documented fields only, checked once, explained when wrong."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self

import bentoml
from pydantic import ConfigDict, JsonValue, ValidationError
from pydantic_core import ErrorDetails
from starlette.requests import Request

from serving.errors import BadRequestError, ServingError

MAX_ECHO_CHARS = 40
"""Characters of a wrong value that an error message repeats to the caller."""

MAX_FIELD_ERRORS = 10
"""Fields that an error message explains at most: a batch can be wrong in a thousand places."""

SCOPE_KEY = "reach.request"
"""Where in an ASGI scope the door leaves the request that it has validated."""


class ApiRequest(bentoml.IODescriptor):
    """Base of the body of each `POST`. A route's door reads the class variables.

    FIELD_HELP: what each field may be, in words, by its path without positions: `k`, `events.quantity`.
    EXAMPLE: a body one can send.
    MAX_BYTES: more than the largest valid body.
    USES_SCORING_SLOT: whether it takes a slot (serving/middleware/admission.py): it gets 429 while many wait for one.
    ERRORS: what its route may answer besides what every route may (serving/api/openapi.py).
    SCOPE: which scope an API key needs for it (serving/middleware/api_keys.py).
    """

    # Messages must not repeat what was sent: BentoML logs them, and a customer id is personal data.
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    FIELD_HELP: ClassVar[Mapping[str, str]]
    EXAMPLE: ClassVar[dict[str, JsonValue]]
    MAX_BYTES: ClassVar[int] = 16_384
    USES_SCORING_SLOT: ClassVar[bool] = True
    ERRORS: ClassVar[tuple[type[ServingError], ...]] = ()
    SCOPE: ClassVar[str] = "recommend"

    @classmethod
    async def from_http_request(cls, request: Request, serde: Any) -> Self:
        """BentoML's hook to parse a body: what the door has let through is not parsed a second time."""
        passed: Self | None = request.scope.get(SCOPE_KEY)
        return await super().from_http_request(request, serde) if passed is None else passed

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """The request in a body. Raises BadRequestError in words that help the caller."""
        if not body.strip():
            raise BadRequestError(f"The body is empty. {cls.example_hint()}")
        try:
            request: Self = cls.model_validate_json(body)
        except ValidationError as error:
            raise _explain(cls, error.errors(include_url=False)) from None
        return request

    @classmethod
    def example_hint(cls) -> str:
        """What to send instead, as a sentence."""
        return f"Send an object such as {json.dumps(cls.EXAMPLE)}."


def _explain(request: type[ApiRequest], errors: list[ErrorDetails]) -> BadRequestError:
    """Pydantic's findings as sentences: which field, what was sent, what is allowed."""
    fields: dict[str, str] = {}
    for error in errors:
        if error["type"] == "json_invalid":
            cause = error.get("ctx", {}).get("error", "it cannot be parsed")
            return BadRequestError(f"The body is not valid JSON: {cause}. {request.example_hint()}")
        if not error["loc"]:
            return BadRequestError(f"The body is no JSON object. {request.example_hint()}")
        field, name = _field_path(request.FIELD_HELP, error["loc"])
        if len(fields) == MAX_FIELD_ERRORS and field not in fields:
            return BadRequestError(" ".join([*fields.values(), "There is more that is wrong."]), fields)
        fields[field] = _sentence(request.FIELD_HELP, field, name, error)
    return BadRequestError(" ".join(fields.values()), fields)


def _field_path(allowed: Mapping[str, str], location: Iterable[int | str]) -> tuple[str, str]:
    """A finding's place as the caller wrote it, `events[3].price`, and its name in FIELD_HELP, `events.price`.

    Below a documented field a location goes on with pydantic's own words for the alternatives of a union.
    """
    field = name = ""
    for step in location:
        if isinstance(step, int):
            field += f"[{step}]"
            continue
        if name in allowed and not any(key.startswith(f"{name}.") for key in allowed):
            break
        field, name = (
            (f"{field}.{step[:MAX_ECHO_CHARS]}", f"{name}.{step[:MAX_ECHO_CHARS]}")
            if name
            else (step[:MAX_ECHO_CHARS], step[:MAX_ECHO_CHARS])
        )
    return field, name


def _sentence(allowed: Mapping[str, str], field: str, name: str, error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        parent = name.rpartition(".")[0]
        siblings = [key.rpartition(".")[2] for key in allowed if key.rpartition(".")[0] == parent]
        return f"'{field}' is not a field of this request; the fields are {', '.join(siblings)}."
    if error["type"] == "missing":
        return f"'{field}' is missing: {_help_for(allowed, name)}."
    shown = json.dumps(error["input"], default=str, ensure_ascii=False)
    if len(shown) > MAX_ECHO_CHARS:
        shown = f"{shown[:MAX_ECHO_CHARS]}… ({len(shown)} characters)"
    return f"'{field}' is {shown}; allowed: {_help_for(allowed, name)}."


def _help_for(allowed: Mapping[str, str], name: str) -> str:
    """What a field may be; of a place below a documented field, what that may be."""
    while name and name not in allowed:
        name = name.rpartition(".")[0]
    return allowed.get(name, "what /docs.json says")
