"""Keep every use of other libraries' private interfaces, each with its reason.

tests/serving/test_private.py names the versions that these were read against. When one of them changes, read this file
against the new version, then change the test.
"""

from functools import cached_property
from typing import Any, Self

import bentoml
import click
import yaml
from _bentoml_sdk import Service
from bentoml._internal.container import BentoMLContainer
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.types import ASGIApp

VALIDATED_REQUEST = "reach.request"
"""Key of an ASGI scope under which the middleware passes the validated request on."""


class ValidatedBody(bentoml.IODescriptor):
    """Let BentoML take a request that the middleware has validated.

    `from_http_request` is the undocumented hook by which BentoML parses a body. Without this override each body would
    be parsed twice.
    """

    @classmethod
    async def from_http_request(cls, request: Request, serde: Any) -> Self:
        """Return the validated request of the scope; without one, parse the body."""
        validated: Self | None = request.scope.get(VALIDATED_REQUEST)
        return await super().from_http_request(request, serde) if validated is None else validated


class OpenApiDocument(dict[str, Any]):
    """Hold an OpenAPI document in the form that BentoML reads.

    BentoML calls `asdict()` to serve the document, and dumps the object as YAML into a Bento.
    """

    def asdict(self) -> dict[str, Any]:
        """Return the document."""
        return dict(self)


yaml.add_representer(OpenApiDocument, lambda dumper, document: dumper.represent_dict(document))


class ServiceWithMiddleware(Service[Any]):
    """Run middleware before all of BentoML's own layers, and replace its OpenAPI document.

    BentoML's public `add_asgi_middleware` puts middleware behind its metrics and tracing. There, a rejected request
    costs ten times as much, and BentoML makes a dozen time series for each unknown path. A mounted application
    (`mount_asgi_app`) stands behind the same layers. So `to_asgi` is overridden, in a subclass of a private class.
    """

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """Return BentoML's application with the middleware around it; the service's class implements it."""
        raise NotImplementedError(f"{type(self).__name__} wraps no middleware")

    def describe(self) -> OpenApiDocument:
        """Return the OpenAPI document; the service's class implements it."""
        raise NotImplementedError(f"{type(self).__name__} describes no OpenAPI document")

    @cached_property
    def openapi_spec(self) -> OpenApiDocument:
        """Return the document that BentoML serves at `/docs.json`; its own names answers that Reach does not give."""
        return self.describe()

    def to_asgi(self, is_main: bool = True) -> ASGIApp:
        """Return the application that BentoML serves.

        The tracing middleware is removed unless traces are sampled. It opens spans for every message of every request
        and costs more than all other layers together; no setting turns it off.
        """
        app: Starlette = super().to_asgi(is_main)
        if not BentoMLContainer.tracing.sample_rate.get():
            tracing: Any = OpenTelemetryMiddleware
            app.user_middleware = [layer for layer in app.user_middleware if layer.cls is not tracing]
        return self.wrap(app)


def host_option() -> str | None:
    """Return the address given to `bentoml serve`, or None outside that command.

    BentoML passes the address to its workers, but not to the hook that runs before they start. Its command-line option
    is read from click's context.
    """
    command = click.get_current_context(silent=True)
    host = command.params.get("host") if command else None
    return str(host) if host else None
