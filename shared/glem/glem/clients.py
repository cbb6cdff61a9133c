"""How a service calls another: HTTP with a service's own token and the trace of the present request."""

import time
from collections.abc import Generator, Mapping

import httpx

from glem.tracing import current_traceparent

EARLY_SECONDS = 30.0


class ServiceAuth(httpx.Auth):
    """Fetches a service token by OAuth 2.0 client credentials and renews it before it expires."""

    requires_response_body = True

    def __init__(self, token_url: str, client_id: str, secret: str) -> None:
        """Log in at `token_url` (path and query on the client's own transport, or absolute)."""
        self._token_url = token_url
        self._form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        self._token = ""
        self._expires = 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Attach the token; after a 401, once, a new one."""
        if time.time() > self._expires - EARLY_SECONDS:
            yield from self._log_in()
        request.headers["authorization"] = f"Bearer {self._token}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            yield from self._log_in()
            request.headers["authorization"] = f"Bearer {self._token}"
            yield request

    def _log_in(self) -> Generator[httpx.Request, httpx.Response, None]:
        response = yield httpx.Request("POST", self._token_url, data=self._form)
        if response.status_code == httpx.codes.OK:
            answer = response.json()
            self._token, self._expires = answer["access_token"], time.time() + answer["expires_in"]


class Clients:
    """The other services, by name: `clients["loan-api"].post("/titles", …)`."""

    def __init__(
        self,
        peers: Mapping[str, str],
        *,
        client_id: str,
        secret: str,
        transports: Mapping[str, httpx.AsyncBaseTransport] | None = None,
        timeout: float = 30.0,
    ) -> None:
        """Reach `peers` (name to base URL); `transports` may replace the network, as in the embedded suite."""
        mounts = {url.rstrip("/"): transport for name, transport in (transports or {}).items() for url in [peers[name]]}
        auth = ServiceAuth(peers["patron-api"].rstrip("/") + "/oauth/token", client_id, secret)
        self._clients = {
            name: httpx.AsyncClient(
                base_url=url,
                auth=auth,
                timeout=timeout,
                mounts=mounts,
                event_hooks={"request": [_add_trace]},
                limits=httpx.Limits(max_connections=50, max_keepalive_connections=20),
            )
            for name, url in peers.items()
        }

    def __getitem__(self, name: str) -> httpx.AsyncClient:
        """Return the client of service `name`; raises KeyError when it is not configured."""
        return self._clients[name]

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.aclose()


async def _add_trace(request: httpx.Request) -> None:
    if trace := current_traceparent():
        request.headers["traceparent"] = trace
