"""Errors of this room; each class carries the HTTP status it becomes at the boundary.

ServingError                500
├── BadRequest              400     a field or the body is not as documented
├── BodyTooSlow             408     the body did not arrive in time
├── BodyTooLarge            413
├── NotJson                 415     another content type
├── ScoringFailed           500     the bundle could not score a customer
├── NoChampion              503     nothing is deployed, or nothing could be loaded yet
└── PortTaken               -       the command cannot start
"""

from http import HTTPStatus

from starlette.responses import JSONResponse


class ServingError(Exception):
    """Anything that keeps a request from being answered."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR

    def response(self) -> JSONResponse:
        """The error as the caller sees it: `{"error": one sentence or more}`."""
        return JSONResponse({"error": str(self)}, status_code=self.status)


class BadRequest(ServingError):
    """A field or the body is not as documented. `fields`: what is wrong, by field, where a field is to blame."""

    status = HTTPStatus.BAD_REQUEST

    def __init__(self, message: str, fields: dict[str, str] | None = None):
        super().__init__(message)
        self.fields = fields or {}

    def response(self) -> JSONResponse:
        return JSONResponse({"error": str(self), "fields": self.fields}, status_code=self.status)


class BodyTooSlow(ServingError):
    """The body did not arrive in time."""

    status = HTTPStatus.REQUEST_TIMEOUT


class BodyTooLarge(ServingError):
    """The body is larger than any valid request."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class NotJson(ServingError):
    """The content type is not JSON."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class ScoringFailed(ServingError):
    """The bundle could not score a customer."""


class NoChampion(ServingError):
    """Nothing is deployed, or nothing could be loaded yet."""

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def response(self) -> JSONResponse:
        response = super().response()
        response.headers["Retry-After"] = "5"
        return response


class PortTaken(ServingError):
    """The command cannot start: something else listens on the port."""
