"""Translate pydantic's JSON Schema (2020-12, as in OpenAPI 3.1) to the dialect of OpenAPI 3.0."""

from typing import Any

NULL = {"type": "null"}

PYDANTIC_KEYWORDS = {"ge", "gt", "le", "lt"}
"""Keywords that are not JSON Schema: pydantic adds them where a validator stands in front of a bound."""

VALUE_KEYWORDS = {"example", "default", "enum"}
"""Keywords whose content is a value, not a schema."""


def as_openapi_3_0(value: Any) -> Any:
    """Return a copy of a schema, or of anything that contains schemas, in the dialect of OpenAPI 3.0."""
    if isinstance(value, list):
        return [as_openapi_3_0(part) for part in value]
    if not isinstance(value, dict):
        return value
    schema = {
        key: part if key in VALUE_KEYWORDS else as_openapi_3_0(part)
        for key, part in value.items()
        if key not in PYDANTIC_KEYWORDS
    }
    kinds = schema.get("anyOf")
    if isinstance(kinds, list) and NULL in kinds:
        schema["nullable"] = True
        schema["anyOf"] = [kind for kind in kinds if kind != NULL]
        if len(schema["anyOf"]) == 1:
            (only,) = schema.pop("anyOf")
            schema = {**only, **schema}
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    for bound, strict in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(schema.get(strict), int | float) and not isinstance(schema[strict], bool):
            schema[bound], schema[strict] = schema[strict], True
    if isinstance(schema.get("$ref"), str) and len(schema) > 1:  # a reference stands alone
        schema["allOf"] = [{"$ref": schema.pop("$ref")}]
    return schema
