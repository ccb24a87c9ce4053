"""Errors of this room; each class carries the HTTP status it becomes at the boundary.

ServingError                    500
├── BadRequestError             400     a field or the body is not as documented
├── BodyTooSlowError            408     the body did not arrive in time
├── BodyTooLargeError           413     the body is larger than any valid request
├── NotJsonError                415     the content type is not JSON
├── OverloadedError             429     more requests at once than can be answered soon
├── ScoringFailedError          500     the bundle could not score a customer
├── NoChampionError             503     nothing is deployed, or nothing could be loaded yet
└── PortTakenError              -       the command cannot start
"""

from http import HTTPStatus

from starlette.responses import JSONResponse


class ServingError(Exception):
    """Anything that keeps a request from being answered."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR

    def response(self) -> JSONResponse:
        """The error as the caller sees it: `{"error": one sentence or more}`."""
        return JSONResponse({"error": str(self)}, status_code=self.status)


class BadRequestError(ServingError):
    """A field or the body is not as documented. `fields`: what is wrong, by field."""

    status = HTTPStatus.BAD_REQUEST

    def __init__(self, message: str, fields: dict[str, str] | None = None):
        super().__init__(message)
        self.fields = fields or {}

    def response(self) -> JSONResponse:
        return JSONResponse({"error": str(self), "fields": self.fields}, status_code=self.status)


class BodyTooSlowError(ServingError):
    """The body did not arrive in time."""

    status = HTTPStatus.REQUEST_TIMEOUT


class BodyTooLargeError(ServingError):
    """The body is larger than any valid request."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class NotJsonError(ServingError):
    """The content type is not JSON."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class OverloadedError(ServingError):
    """More requests at once than can be answered soon."""

    status = HTTPStatus.TOO_MANY_REQUESTS

    def response(self) -> JSONResponse:
        response = super().response()
        response.headers["Retry-After"] = "1"
        return response


class ScoringFailedError(ServingError):
    """The bundle could not score a customer."""


class NoChampionError(ServingError):
    """Nothing is deployed, or nothing could be loaded yet."""

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def response(self) -> JSONResponse:
        response = super().response()
        response.headers["Retry-After"] = "5"
        return response


class PortTakenError(ServingError):
    """The command cannot start: something else listens on the port."""
