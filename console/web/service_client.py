"""Ask the recommendation service."""

from typing import Any

import httpx

from console.errors import ConsoleError, NotFoundError, ServiceUnavailableError
from settings import Settings

TIMEOUT_SECONDS = 10.0


class ServiceClient:
    """Send requests to the service, with REACH_CLIENT_API_KEY if it is set."""

    def __init__(self, settings: Settings, transport: httpx.AsyncBaseTransport | None = None):
        self.url = f"http://127.0.0.1:{settings.service_port}"
        key = settings.client_api_key
        headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
        self._http = httpx.AsyncClient(base_url=self.url, headers=headers, timeout=TIMEOUT_SECONDS, transport=transport)

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a request.

        Raises:
            ServiceUnavailableError: The service does not answer, or is not ready.
            NotFoundError: The service does not contain the named thing.
            ConsoleError: The service refuses the request; its own sentence is the message.
        """
        return await self._answer("POST", path, body)

    async def get(self, path: str) -> dict[str, Any]:
        """Return the answer to a request without a body; raises as `post`."""
        return await self._answer("GET", path, None)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _answer(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        try:
            response = await self._http.request(method, path, json=body)
        except httpx.TransportError as error:
            raise ServiceUnavailableError(
                f"The recommendation service at {self.url} does not answer. Start it with 'make restart-service'."
            ) from error
        if response.is_success:
            found: dict[str, Any] = response.json()
            return found
        message = _message(response)
        if response.status_code == httpx.codes.NOT_FOUND:
            raise NotFoundError(message)
        if response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise ServiceUnavailableError(
                f"The service does not accept the console's key: {message} "
                "Set REACH_CLIENT_API_KEY to a key with the scopes recommend, marketing and admin."
            )
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise ServiceUnavailableError(message)
        raise ConsoleError(message)


def _message(response: httpx.Response) -> str:
    """Return the service's sentence about a failure."""
    try:
        return str(response.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"The service answered with status {response.status_code}."
