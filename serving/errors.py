"""Errors of this room; each class carries the HTTP status it becomes at the boundary.

ServingError                    500
├── BadRequestError             400     a field or the body is not as documented
├── UnauthorizedError           401     no API key, or one that is not known here
├── ForbiddenError              403     the key's scopes do not hold this
├── NotFoundError                   404     there is no such path
├── UnknownProductError          404     the serving version does not know the product asked about
├── MethodNotAllowedError                 405     the path is asked by another method
├── FutureEventError                  409     an event lies in the future, or before 1990
├── RequestTimeoutError            408     the body did not arrive in time
├── PayloadTooLargeError           413     the body is larger than any valid request
├── UnsupportedMediaTypeError                415     the content type is not JSON
├── TooManyRequestsError                   429     try again later
│   ├── OverloadedError                 more requests at once than can be answered soon
│   └── RateLimitedError                this key asks more often than it may
├── ScoringFailedError          500     the bundle could not score a customer
├── NoChampionError             503     nothing is deployed, or nothing could be loaded yet
├── EventsUnavailableError      503     the journal does not take events just now
├── ApiKeyConfigError                   -       the API keys cannot be used as they are
└── PortTakenError              -       the command cannot start
"""

from collections.abc import Sequence
from http import HTTPStatus

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse


class ErrorResponse(BaseModel):
    """The body of every error, whatever its status."""

    error: str = Field(description="What is wrong and what to do, in a sentence or more.")
    fields: dict[str, str] = Field(
        default_factory=dict, description="With 400: what is wrong, by the field's path, as `k` or `events[3].price`."
    )


class ServingError(Exception):
    """Anything that keeps a request from being answered."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR

    def response(self) -> JSONResponse:
        """The error as the caller sees it: an `ErrorResponse`."""
        return JSONResponse({"error": str(self)}, status_code=self.status, headers=self.headers())

    def headers(self) -> dict[str, str]:
        """What a client's library wants to know besides."""
        return {}


class BadRequestError(ServingError):
    """A field or the body is not as documented. `fields`: what is wrong, by field."""

    status = HTTPStatus.BAD_REQUEST

    def __init__(self, message: str, fields: dict[str, str] | None = None):
        super().__init__(message)
        self.fields = fields or {}

    def response(self) -> JSONResponse:
        return JSONResponse({"error": str(self), "fields": self.fields}, status_code=self.status)


class UnauthorizedError(ServingError):
    """No API key, or one that is not known here."""

    status = HTTPStatus.UNAUTHORIZED

    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class ForbiddenError(ServingError):
    """The key's scopes do not hold this."""

    status = HTTPStatus.FORBIDDEN


class NotFoundError(ServingError):
    """There is no such path."""

    status = HTTPStatus.NOT_FOUND


class UnknownProductError(ServingError):
    """The serving version does not know the product asked about."""

    status = HTTPStatus.NOT_FOUND


class MethodNotAllowedError(ServingError):
    """The path is asked by another method, which `Allow` names."""

    status = HTTPStatus.METHOD_NOT_ALLOWED

    def __init__(self, message: str, allowed: Sequence[str]):
        super().__init__(message)
        self._allowed = allowed

    def headers(self) -> dict[str, str]:
        return {"Allow": ", ".join(self._allowed)}


class FutureEventError(ServingError):
    """An event lies in the future or before 1990: the sender's clock and this one disagree."""

    status = HTTPStatus.CONFLICT


class RequestTimeoutError(ServingError):
    """The body did not arrive in time."""

    status = HTTPStatus.REQUEST_TIMEOUT


class PayloadTooLargeError(ServingError):
    """The body is larger than any valid request."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsupportedMediaTypeError(ServingError):
    """The content type is not JSON."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class TooManyRequestsError(ServingError):
    """Too many requests at once, or with this key: try again after `Retry-After` seconds."""

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, message: str, retry_after: int = 1):
        super().__init__(message)
        self._retry_after = retry_after

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self._retry_after)}


class OverloadedError(TooManyRequestsError):
    """More requests at once than can be answered soon."""


class RateLimitedError(TooManyRequestsError):
    """This key asks more often than it may."""


class ScoringFailedError(ServingError):
    """The bundle could not score a customer."""


class NoChampionError(ServingError):
    """Nothing is deployed, or nothing could be loaded yet."""

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def headers(self) -> dict[str, str]:
        return {"Retry-After": "5"}


class EventsUnavailableError(ServingError):
    """The journal does not take events just now; the batch must be sent again."""

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def headers(self) -> dict[str, str]:
        return {"Retry-After": "1"}


class ApiKeyConfigError(ServingError):
    """The API keys cannot be used as they are."""


class PortTakenError(ServingError):
    """The command cannot start: something else listens on the port."""
