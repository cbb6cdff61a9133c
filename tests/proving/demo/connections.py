"""A few connections to one server, each for one request at a time.

The parts of httpx beneath its client, without what the demo does not need: its pool looks through all connections several times a
request, and a demo of some ten thousand requests on two cores would spend a third of its time there.
"""

import asyncio
import sys
from collections.abc import Mapping
from importlib.util import find_spec

import httpcore

# httpcore looks for this module anew at each request; where it is missing that costs more than the request.
if find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]


class Connections:
    """`number` requests at a time to one address; the rest wait their turn."""

    def __init__(self, url: str, number: int, seconds: float) -> None:
        """Speak to the server at `url`; an answer that takes longer than `seconds` is given up."""
        self._url = httpcore.URL(url)
        self._limits = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
        self._free: asyncio.LifoQueue[httpcore.AsyncHTTPConnection | None] = asyncio.LifoQueue()
        for _ in range(number):
            self._free.put_nowait(None)

    async def request(
        self, method: str, path: str, headers: Mapping[str, str], content: bytes | None
    ) -> tuple[int, bytes]:
        """Send one request and return status and body; raises httpcore's errors."""
        connection = await self._free.get()
        try:
            if connection is None or not connection.is_available() or connection.has_expired():
                connection = httpcore.AsyncHTTPConnection(self._url.origin)
            url = httpcore.URL(
                scheme=self._url.scheme, host=self._url.host, port=self._url.port, target=path.encode("ascii")
            )
            sent: list[tuple[bytes | str, bytes | str]] = [("host", f"{self._url.host.decode()}:{self._url.port}")]
            sent += headers.items()
            if content is not None or method != "GET":
                sent.append(("content-length", str(len(content or b""))))
            request = httpcore.Request(
                method, url, headers=sent, content=content or b"", extensions={"timeout": self._limits}
            )
            response = await connection.handle_async_request(request)
            try:
                return response.status, await response.aread()
            finally:
                await response.aclose()
        finally:
            self._free.put_nowait(connection)

    async def close(self) -> None:
        """Close what is open."""
        while not self._free.empty():
            connection = self._free.get_nowait()
            if connection is not None:
                await connection.aclose()
