"""Validate request bodies once, and explain wrong ones by their fields' descriptions."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self, get_args

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError
from pydantic_core import ErrorDetails

from serving._private import ValidatedBody
from serving.errors import BadRequestError, ServingError

MAX_ECHO_CHARS = 40
"""Limits how much of a wrong value an error message repeats."""

MAX_FIELD_ERRORS = 10
"""Limits how many fields one error message explains: a batch can be wrong in a thousand places."""

ALLOWED = "Allowed: "
"""Separates, in a field's description, what the field means from what it accepts."""


class ApiRequest(ValidatedBody):
    """Validate the body of a `POST`; the base class of every request type.

    Class variables, read by the middleware and by the OpenAPI document:

    * `EXAMPLE`: a valid body.
    * `MAX_BYTES`: the limit of a body's size, above that of the largest valid one.
    * `USES_SCORING_SLOT`: whether the request takes a slot (serving/middleware/admission.py). If so, it gets 429 while
      the queue for slots is long.
    * `ERRORS`: errors of this request beyond those of every request (serving/api/openapi.py).
    * `SCOPE`: the scope that an API key needs (serving/middleware/api_keys.py).
    """

    # Messages must not repeat the whole input: BentoML logs them, and a customer id is personal data.
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    EXAMPLE: ClassVar[dict[str, JsonValue]]
    MAX_BYTES: ClassVar[int] = 16_384
    USES_SCORING_SLOT: ClassVar[bool] = True
    ERRORS: ClassVar[tuple[type[ServingError], ...]] = ()
    SCOPE: ClassVar[str] = "recommend"

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Return the request in a body.

        Raises:
            BadRequestError: The body is not a valid request; the message explains each wrong field.
        """
        if not body.strip():
            raise BadRequestError(f"The body is empty. {cls.example_hint()}")
        try:
            request: Self = cls.model_validate_json(body)
        except ValidationError as error:
            raise _explain(cls, error.errors(include_url=False)) from None
        return request

    def further_scopes(self) -> frozenset[str]:
        """Return the scopes that the request's fields need besides `SCOPE`."""
        return frozenset()

    @classmethod
    def example_hint(cls) -> str:
        """Return a sentence with a valid body."""
        return f"Send an object such as {json.dumps(cls.EXAMPLE)}."


def field_help(model: type[BaseModel], prefix: str = "") -> Mapping[str, str]:
    """Return what each field of a request accepts, by its path without positions, such as `events.quantity`.

    The text is the part of the field's description after "Allowed: ". The fields of the model's example come first.
    """
    texts: dict[str, str] = {}
    names = [*getattr(model, "EXAMPLE", {}), *model.model_fields]
    for name in dict.fromkeys(names):
        field = model.model_fields[name]
        texts[f"{prefix}{name}"] = (field.description or "").rpartition(ALLOWED)[2].removesuffix(".")
        for nested in _models_in(field.annotation):
            texts |= field_help(nested, f"{prefix}{name}.")
    return texts


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _explain(request: type[ApiRequest], errors: list[ErrorDetails]) -> BadRequestError:
    """Return pydantic's errors as sentences: which field, its value, what is allowed."""
    texts = field_help(request)
    fields: dict[str, str] = {}
    for error in errors:
        if error["type"] == "json_invalid":
            cause = error.get("ctx", {}).get("error", "it cannot be parsed")
            return BadRequestError(f"The body is not valid JSON: {cause}. {request.example_hint()}")
        if not error["loc"]:
            return BadRequestError(f"The body is not a JSON object. {request.example_hint()}")
        field, name = _field_path(texts, error["loc"])
        if len(fields) == MAX_FIELD_ERRORS and field not in fields:
            return BadRequestError(" ".join([*fields.values(), "More fields are wrong."]), fields)
        fields[field] = _sentence(texts, field, name, error)
    return BadRequestError(" ".join(fields.values()), fields)


def _field_path(texts: Mapping[str, str], location: Iterable[int | str]) -> tuple[str, str]:
    """Return an error's path as the caller wrote it, `events[3].price`, and its key in `texts`, `events.price`.

    Below a documented field pydantic's location continues with names of a union's alternatives: these are dropped.
    """
    field = name = ""
    for step in location:
        if isinstance(step, int):
            field += f"[{step}]"
            continue
        if name in texts and not any(key.startswith(f"{name}.") for key in texts):
            break
        separator, step = "." if name else "", step[:MAX_ECHO_CHARS]
        field, name = f"{field}{separator}{step}", f"{name}{separator}{step}"
    return field, name


def _sentence(texts: Mapping[str, str], field: str, name: str, error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        parent = name.rpartition(".")[0]
        siblings = [key.rpartition(".")[2] for key in texts if key.rpartition(".")[0] == parent]
        return f"'{field}' is not a field of this request; the fields are {', '.join(siblings)}."
    if error["type"] == "missing":
        return f"'{field}' is missing: {_help_for(texts, name)}."
    value = json.dumps(error["input"], default=str, ensure_ascii=False)
    if len(value) > MAX_ECHO_CHARS:
        value = f"{value[:MAX_ECHO_CHARS]}… ({len(value)} characters)"
    return f"'{field}' is {value}; allowed: {_help_for(texts, name)}."


def _help_for(texts: Mapping[str, str], name: str) -> str:
    """Return the text of a field, or of the nearest documented field above it."""
    while name and name not in texts:
        name = name.rpartition(".")[0]
    return texts.get(name, "see /docs.json")
