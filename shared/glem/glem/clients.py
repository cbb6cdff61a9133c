"""How a service calls another: HTTP with a service's own token and the trace of the present request.

What may be asked is declared in `glem_contracts`; there is no other way to a service than a declared call.

    PeerError            the other service did not give the answer that is declared
    └── PeerAwayError    it could not be reached, or cannot work now: the same call may succeed soon
"""

import ssl
import time
from collections.abc import Generator, Mapping
from contextlib import suppress
from functools import cache
from types import NoneType
from urllib.parse import quote

import httpx
import orjson
from pydantic import BaseModel

from glem.problems import URN
from glem.tracing import current_traceparent
from glem_contracts.calls import Answer, Call

EARLY_SECONDS = 30.0
AWAY = frozenset({401, 429, 502, 503, 504})
JSON = {"content-type": "application/json"}


class PeerError(Exception):
    """Another service did not give the answer that is declared. The text names the service and the fault, never the answer.

    `status` is the HTTP status, 0 where there was none. `problem` is the name of the service's own refusal (`unknown-patron`);
    it is empty when the answer is no problem document of ours, as that of a gateway on the way.
    """

    def __init__(self, service: str, fault: str, *, status: int = 0, problem: str = "") -> None:
        """Name `service` and its `fault`: a status, or a kind of failure."""
        super().__init__(f"{service}: {fault}")
        self.status = status
        self.problem = problem


class PeerAwayError(PeerError):
    """Another service could not be reached, or cannot work now (statuses 401, 429, 502, 503 and 504)."""


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


@cache
def trusted() -> ssl.SSLContext:
    """Return what httpx trusts by default; read once for all clients of a process, for each reading takes 40 ms."""
    return httpx.create_ssl_context()


class Clients:
    """The other services, by name: `await clients.call("loan-api", CLOSE, patron_id=patron_id)`."""

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
                verify=trusted(),
                mounts=mounts,
                event_hooks={"request": [_add_trace]},
                limits=httpx.Limits(max_connections=50, max_keepalive_connections=20),
            )
            for name, url in peers.items()
        }

    async def call(
        self, service: str, call: Call[Answer], asked: BaseModel | None = None, /, **place: int | str
    ) -> Answer:
        """Make a declared call to `service` and return its answer; `place` fills in the fields of the call's path.

        Raises PeerAwayError when the service cannot be reached or cannot work now, PeerError for any other status than 200 or
        204 and for an answer that is not as declared, KeyError when the service is not configured.
        """
        if not isinstance(asked, call.asked or NoneType):
            raise TypeError(f"{call.path} is not asked with {type(asked).__name__}")
        params, content = None, None
        if asked is not None and call.method == "GET":
            params = asked.model_dump(mode="json")
        elif asked is not None:
            content = asked.model_dump_json()
        try:
            answer = await self._clients[service].request(
                call.method,
                call.path.format(**{name: quote(str(value), safe="") for name, value in place.items()}),
                params=params,
                content=content,
                headers=None if content is None else JSON,
                auth=httpx.USE_CLIENT_DEFAULT if call.with_token else None,
            )
        except httpx.RequestError as error:
            raise PeerAwayError(service, type(error).__name__) from error
        if answer.status_code not in {httpx.codes.OK, httpx.codes.NO_CONTENT}:
            kind = PeerAwayError if answer.status_code in AWAY else PeerError
            raise kind(service, str(answer.status_code), status=answer.status_code, problem=_problem_of(answer.content))
        with suppress(ValueError):
            return call.answer.validate_json(answer.content or b"null")
        # Not raised from the error of the validation, which holds parts of the answer: names, addresses, titles.
        raise PeerError(service, "not the answer that is declared", status=answer.status_code)

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.aclose()


async def _add_trace(request: httpx.Request) -> None:
    if trace := current_traceparent():
        request.headers["traceparent"] = trace


def _problem_of(content: bytes) -> str:
    """Return the name of the refusal that a problem document of ours holds, or nothing."""
    try:
        kind = orjson.loads(content)["type"]
    except (ValueError, KeyError, TypeError):
        return ""
    return kind.removeprefix(URN) if isinstance(kind, str) and kind.startswith(URN) else ""
