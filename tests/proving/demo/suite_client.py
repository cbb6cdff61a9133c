"""The demo's HTTP client: real requests over a socket, a token per role, and a limit on requests at once."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from tests.proving.demo.connections import Connections

AT_ONCE = 8
EARLY_SECONDS = 60.0
NEVER = {401, 403, 404, 405, 422}
LONGEST_SECONDS = 120.0


class UnexpectedError(RuntimeError):
    """The suite answered what it never should; the text says to which request, and how."""


@dataclass
class Login:
    """A way to get a token, and the token while it is fresh."""

    form: Mapping[str, str]
    token: str = ""
    expires: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the suite said: `body` for a yes, `refusal` (the last part of the problem's type) for a no."""

    status: int
    body: Any
    refusal: str | None

    @property
    def ok(self) -> bool:
        """Say whether it was a yes."""
        return self.refusal is None


class SuiteClient:
    """Requests to a running suite. Refusals (4xx) are counted and returned; anything worse is an UnexpectedError."""

    def __init__(self, url: str) -> None:
        """Connect to the suite at `url`."""
        self._client = httpx.AsyncClient(base_url=url, timeout=LONGEST_SECONDS)
        self._connections = Connections(url, AT_ONCE, LONGEST_SECONDS)
        self._logging_in = asyncio.Lock()
        self.requests = 0
        self.refusals: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connections.close()
        await self._client.aclose()

    async def token(self, login: Login) -> str:
        """Return a token that is still good for a while; raises UnexpectedError when the log-in is refused."""
        if time.time() > login.expires - EARLY_SECONDS:
            async with self._logging_in:
                if time.time() > login.expires - EARLY_SECONDS:
                    answer = await self._client.post("/patron-api/oauth/token", data=dict(login.form))
                    if answer.status_code != HTTPStatus.OK:
                        message = (
                            f"log-in of {login.form.get('username') or login.form.get('client_id')}: {answer.text}"
                        )
                        raise UnexpectedError(message)
                    body = answer.json()
                    login.token, login.expires = body["access_token"], time.time() + body["expires_in"]
        return login.token

    async def ask(
        self,
        login: Login,
        method: str,
        path: str,
        body: object = None,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request and return the answer; raises UnexpectedError for a 5xx, and for what no client should see."""
        token = await self.token(login)
        send = {"authorization": f"Bearer {token}", **(headers or {})}
        if body is not None:
            content = orjson.dumps(body)
            send["content-type"] = "application/json"
        self.requests += 1
        status, said = await self._connections.request(method, path, send, content)
        if status < HTTPStatus.MULTIPLE_CHOICES:
            return Answer(status, orjson.loads(said) if said else None, None)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in NEVER:
            message = f"{method} {path}: {status} {said.decode()}"
            raise UnexpectedError(message)
        refusal = str(orjson.loads(said)["type"]).rpartition(":")[2]
        self.refusals[refusal] += 1
        return Answer(status, None, refusal)

    async def must(
        self,
        login: Login,
        method: str,
        path: str,
        body: object = None,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send one request that cannot be refused; return the body. Raises UnexpectedError otherwise."""
        answer = await self.ask(login, method, path, body, content=content, headers=headers)
        if not answer.ok:
            message = f"{method} {path} was refused: {answer.refusal}"
            raise UnexpectedError(message)
        return answer.body

    async def travel(self, seconds: float) -> None:
        """Move the suite's clock and wait until all that becomes due has been done; raises UnexpectedError."""
        response = await self._client.post("/clock/travel", json={"seconds": seconds, "settle": True})
        if not response.is_success:
            message = f"travelling failed: {response.status_code} {response.text}"
            raise UnexpectedError(message)

    @property
    def client(self) -> httpx.AsyncClient:
        """The HTTP client itself."""
        return self._client
