"""Build the service's OpenAPI document from its request types and errors.

The document has version 3.0.3, because client generators call their support of 3.1 unfinished.

BentoML's own document names answers 400, 404 and 500 in shapes that Reach does not use. It also drops all but the first
alternative of a type, such as `null` where a field may be null.
"""

import typing
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Protocol

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from serving._private import OpenApiDocument
from serving.api.openapi_3_0 import as_openapi_3_0
from serving.api.validation import ApiRequest
from serving.errors import (
    BadRequestError,
    ErrorResponse,
    ForbiddenError,
    MethodNotAllowedError,
    NoChampionError,
    PayloadTooLargeError,
    RequestTimeoutError,
    ScoringFailedError,
    ServingError,
    TooManyRequestsError,
    UnauthorizedError,
    UnsupportedMediaTypeError,
)
from serving.middleware.auth import PUBLIC_PATHS
from serving.middleware.health import ReadyResponse

COMMON_ERRORS = (UnauthorizedError, ForbiddenError, MethodNotAllowedError, TooManyRequestsError)
"""Error responses common to every path except the health checks."""

POST_ERRORS = (
    BadRequestError,
    RequestTimeoutError,
    PayloadTooLargeError,
    UnsupportedMediaTypeError,
    ScoringFailedError,
    NoChampionError,
)
"""Further error responses of every `POST`."""

GET_PATHS = {
    "/livez": ("The process runs.", "text/plain"),
    "/readyz": ("A version is loaded, and the online store was opened or could not be.", "application/json"),
    "/healthz": ("The process runs; kept for old probes.", "text/plain"),
    "/metrics": ("Metrics for Prometheus.", "text/plain"),
    "/docs.json": ("This document.", "application/json"),
    "/schema.json": ("The APIs in BentoML's own form, for its clients.", "application/json"),
    "/": ("A page to read about the API and to try it.", "text/html"),
}

HEADERS = {
    HTTPStatus.UNAUTHORIZED: ("WWW-Authenticate", "string", "Bearer"),
    HTTPStatus.METHOD_NOT_ALLOWED: ("Allow", "string", "The methods that this path accepts."),
    HTTPStatus.TOO_MANY_REQUESTS: ("Retry-After", "integer", "Seconds to wait."),
    HTTPStatus.SERVICE_UNAVAILABLE: ("Retry-After", "integer", "Seconds to wait."),
}

TIMEOUT = {HTTPStatus.GATEWAY_TIMEOUT: "The request took too long and was cancelled."}


class Api(Protocol):
    """Describe one of BentoML's APIs; names the attributes that are read."""

    name: str
    route: str
    doc: str | None
    func: Any
    input_spec: Any


def describe(name: str, version: str, doc: str, apis: Iterable[Api], needs_key: bool) -> OpenApiDocument:
    """Return the document.

    Args:
        name: The service's name.
        version: The Bento's version.
        doc: The service's description.
        apis: BentoML's APIs; the types of their requests and answers are described.
        needs_key: Whether this installation has API keys.
    """
    apis = list(apis)
    requests: list[type[ApiRequest]] = [api.input_spec for api in apis]
    answers: list[type[BaseModel]] = [typing.get_type_hints(api.func)["return"] for api in apis]
    references, schemas = models_json_schema(
        [
            *((request, "validation") for request in requests),
            *((answer, "serialization") for answer in answers),
            (ErrorResponse, "serialization"),
            (ReadyResponse, "serialization"),
        ],
        ref_template="#/components/schemas/{model}",
    )
    errors = _errors(COMMON_ERRORS)
    security: list[dict[str, list[str]]] = [{"ApiKey": []}] if needs_key else []
    paths: dict[str, Any] = {
        path: {
            "get": {
                "operationId": path.strip("/").partition(".")[0] or "page",
                "summary": summary,
                "responses": {"200": _content(summary, kind, {"type": "string"} if kind.startswith("text") else {})},
                "security": [],
            }
        }
        for path, (summary, kind) in GET_PATHS.items()
    }
    ready = references[(ReadyResponse, "serialization")]
    paths["/readyz"]["get"]["responses"] = {
        "200": _content(GET_PATHS["/readyz"][0], "application/json", ready),
        "503": _content("Not yet.", "application/json", ready),
    }
    for path in GET_PATHS.keys() - PUBLIC_PATHS:
        paths[path]["get"]["responses"] |= errors
        paths[path]["get"]["security"] = security
    for api, request, answer in zip(apis, requests, answers, strict=True):
        summary, _, more = (api.doc or "").strip().partition("\n")
        body = {"schema": references[(request, "validation")], "example": request.EXAMPLE}
        paths[api.route] = {
            "post": {
                "operationId": api.name,
                "summary": summary,
                "description": " ".join(more.split()),
                "requestBody": {"required": True, "content": {"application/json": body}},
                "responses": {
                    "200": _content("The answer.", "application/json", references[(answer, "serialization")]),
                    **errors,
                    **_errors((*POST_ERRORS, *request.ERRORS)),
                },
                "security": security,
            }
        }
    return OpenApiDocument(
        openapi="3.0.3",
        info={"title": name, "version": version, "description": " ".join(doc.split())},
        paths=as_openapi_3_0(paths),
        components={
            "schemas": as_openapi_3_0(schemas["$defs"]),
            "securitySchemes": {"ApiKey": {"type": "http", "scheme": "bearer"}},
        },
    )


def _errors(kinds: Iterable[type[ServingError]]) -> dict[str, Any]:
    found = {kind.status: (kind.__doc__ or "").strip() for kind in kinds}
    if NoChampionError in kinds:
        found |= TIMEOUT
    return {str(int(status)): _error(status, text) for status, text in sorted(found.items())}


def _error(status: HTTPStatus, text: str) -> dict[str, Any]:
    response = _content(text, "application/json", {"$ref": f"#/components/schemas/{ErrorResponse.__name__}"})
    if status in HEADERS:
        name, kind, meaning = HEADERS[status]
        response["headers"] = {name: {"description": meaning, "schema": {"type": kind}}}
    return response


def _content(text: str, kind: str, schema: Any) -> dict[str, Any]:
    return {"description": text, "content": {kind: {"schema": schema}}}
