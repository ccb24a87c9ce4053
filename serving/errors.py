"""Define the service's errors; each class has the HTTP status of its response.

ServingError                      500
├── BadRequestError               400     a field or the body is not valid
├── UnauthorizedError             401     the API key is missing or not valid
├── ForbiddenError                403     the key does not have the scope
├── NotFoundError                 404     the path is unknown
├── UnknownProductError           404     the serving version does not contain the product
├── UnknownVariantError           404     no announced experiment has the variant that a tester chose
├── UnknownCustomerError          404     the published scores do not contain the customer
├── NoAudienceError               404     no customer can be reached for what was asked
├── NoOffersError                 404     the customer has no offers
├── UnknownPurposeError           404     the contact policy does not have the channel or the purpose
├── MethodNotAllowedError         405     the path accepts other methods
├── RequestTimeoutError           408     the body did not arrive in time
├── FutureEventError              409     an event lies in the future, or before 1990
├── PayloadTooLargeError          413     the body is larger than any valid request
├── UnsupportedMediaTypeError     415     the content type is not JSON
├── TooManyRequestsError          429     try again later
│   ├── OverloadedError                   the queue is too long
│   └── RateLimitedError                  this key sends too many requests
├── ScoringFailedError            500     the bundle could not score a customer
├── NoChampionError               503     no version is deployed, or none could be loaded yet
├── EventsUnavailableError        503     the event log does not accept events
├── ConsentsUnavailableError      503     the outbox does not accept consents
├── ScoresNotPublishedError       503     the customers were never scored
├── ProfilesUnavailableError      503     the online store of profiles does not answer
├── ApiKeyConfigError             -       REACH_API_KEYS is not valid
└── PortTakenError                -       the command cannot start
"""

from collections.abc import Sequence
from http import HTTPStatus

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse


class ErrorResponse(BaseModel):
    """Define the body of every error response."""

    error: str = Field(description="The problem and the next step, in one or more sentences.")
    fields: dict[str, str] = Field(
        default_factory=dict, description="With 400: the problem of each field, by its path: `k` or `events[3].price`."
    )


class ServingError(Exception):
    """Base class of the errors with which a request ends."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR

    def response(self) -> JSONResponse:
        """Return the HTTP response, with an `ErrorResponse` as body."""
        return JSONResponse({"error": str(self)}, status_code=self.status, headers=self.headers())

    def headers(self) -> dict[str, str]:
        """Return the response's headers."""
        return {}


class BadRequestError(ServingError):
    """A field or the body is not valid.

    Args:
        message: The problem and the next step.
        fields: The problem of each field, by its path.
    """

    status = HTTPStatus.BAD_REQUEST

    def __init__(self, message: str, fields: dict[str, str] | None = None):
        super().__init__(message)
        self.fields = fields or {}

    def response(self) -> JSONResponse:
        """Return the HTTP response, with the fields."""
        return JSONResponse({"error": str(self), "fields": self.fields}, status_code=self.status)


class UnauthorizedError(ServingError):
    """The API key is missing or not valid."""

    status = HTTPStatus.UNAUTHORIZED

    def headers(self) -> dict[str, str]:
        """Return the response's headers."""
        return {"WWW-Authenticate": "Bearer"}


class ForbiddenError(ServingError):
    """The API key does not have the scope."""

    status = HTTPStatus.FORBIDDEN


class NotFoundError(ServingError):
    """The path is unknown."""

    status = HTTPStatus.NOT_FOUND


class UnknownVariantError(ServingError):
    """No announced experiment has the variant that a tester chose."""

    status = HTTPStatus.NOT_FOUND


class UnknownProductError(ServingError):
    """The serving version does not contain the product."""

    status = HTTPStatus.NOT_FOUND


class UnknownCustomerError(ServingError):
    """The published scores do not contain the customer."""

    status = HTTPStatus.NOT_FOUND


class NoAudienceError(ServingError):
    """No customer can be reached for the items: they are unknown, or the limits exclude everyone."""

    status = HTTPStatus.NOT_FOUND


class NoOffersError(ServingError):
    """The customer has no offers: the customer is unknown, or no campaign runs."""

    status = HTTPStatus.NOT_FOUND


class UnknownPurposeError(ServingError):
    """The contact policy does not have the channel or the purpose."""

    status = HTTPStatus.NOT_FOUND


class MethodNotAllowedError(ServingError):
    """The path accepts other methods, which `Allow` names."""

    status = HTTPStatus.METHOD_NOT_ALLOWED

    def __init__(self, message: str, allowed: Sequence[str]):
        super().__init__(message)
        self._allowed = allowed

    def headers(self) -> dict[str, str]:
        """Return the response's headers."""
        return {"Allow": ", ".join(self._allowed)}


class FutureEventError(ServingError):
    """An event lies in the future or before 1990, so the sender's clock is wrong."""

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
    """There are too many requests at once, or with this key. Try again after `Retry-After` seconds."""

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, message: str, retry_after: int = 1):
        super().__init__(message)
        self._retry_after = retry_after

    def headers(self) -> dict[str, str]:
        """Return the response's headers."""
        return {"Retry-After": str(self._retry_after)}


class OverloadedError(TooManyRequestsError):
    """The queue of requests is too long."""


class RateLimitedError(TooManyRequestsError):
    """The API key sends too many requests per second."""


class ScoringFailedError(ServingError):
    """The bundle could not score a customer."""


class NoChampionError(ServingError):
    """No version is deployed, or none could be loaded yet."""

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def headers(self) -> dict[str, str]:
        """Return the response's headers."""
        return {"Retry-After": "5"}


class EventsUnavailableError(ServingError):
    """The event log does not accept events at the moment; send the batch again."""

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def headers(self) -> dict[str, str]:
        """Return the response's headers."""
        return {"Retry-After": "1"}


class ConsentsUnavailableError(ServingError):
    """The outbox does not accept consents at the moment; send the answer again."""

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def headers(self) -> dict[str, str]:
        """Return the response's headers."""
        return {"Retry-After": "5"}


class ScoresNotPublishedError(ServingError):
    """The customers were never scored."""

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def headers(self) -> dict[str, str]:
        """Return the response's headers."""
        return {"Retry-After": "60"}


class ProfilesUnavailableError(ServingError):
    """No scores are published yet, or the online store of profiles does not answer."""

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def headers(self) -> dict[str, str]:
        """Return the response's headers."""
        return {"Retry-After": "5"}


class ApiKeyConfigError(ServingError):
    """REACH_API_KEYS is not valid."""


class PortTakenError(ServingError):
    """Another process listens on the port."""
