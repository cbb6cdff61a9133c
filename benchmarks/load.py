"""A lean load generator in a process of its own: HTTP/1.1 on kept connections, a check-out and a check-in in turn, or paths to get.

Reads its work as JSON from standard input and writes the result to standard output.
"""

import asyncio
import json
import statistics
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import cast

import orjson
import uvloop

from benchmarks.processes import run_module


@dataclass
class Work:
    """The requests to make. `pairs` are (patron, barcode) to lend and return, `paths` are read; each connection has its own share."""

    port: int
    token: str
    branch: str
    pairs: list[tuple[int, str]]
    connections: int
    warm_up_seconds: float
    seconds: float
    paths: list[str] = field(default_factory=list)


@dataclass
class Result:
    """The result: answers in the measured time, their times in milliseconds, and how many failed."""

    per_second: float
    p50: float
    p99: float
    failures: int
    statuses: dict[str, int]


async def generate(work: Work) -> Result:
    """Run `work` in another process."""
    return Result(**await run_module("benchmarks.load", asdict(work)))


class Connection(asyncio.Protocol):
    """One connection: sends the next request as soon as the last answer is complete; ends after a check-in."""

    def __init__(self, requests: list[bytes]) -> None:
        """Send `requests` in turn, from the beginning again after the last."""
        self._requests = requests
        self._at = 0
        self._received = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None
        self.times: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.running = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transport has the methods, but not the class
        self._send()

    def data_received(self, data: bytes) -> None:
        """Read a part of an answer."""
        self._received = received = self._received + data
        end = received.find(b"\r\n\r\n")
        if end < 0:
            return
        mark = received.find(b"content-length: ", 0, end) + 16
        if len(received) < end + 4 + int(received[mark : received.find(b"\r", mark)]):
            return
        self.times.append(time.perf_counter() - self._sent_at)
        self.statuses[received[9:12].decode()] += 1
        self._received = b""
        if self.running or self._at % 2:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count a connection that the server closed as a failure."""
        del exc
        self.statuses["closed"] += 1

    def _send(self) -> None:
        assert self._transport is not None
        self._sent_at = time.perf_counter()
        self._transport.write(self._requests[self._at])
        self._at = (self._at + 1) % len(self._requests)


def _request(path: str, body: dict[str, object], token: str) -> bytes:
    content = orjson.dumps(body)
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def _requests(work: Work, share: slice) -> list[bytes]:
    if work.paths:
        return [f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode() for path in work.paths[share]]
    return [
        request
        for patron_id, barcode in work.pairs[share]
        for request in (
            _request("/loans", {"patron_id": patron_id, "item": barcode, "branch": work.branch}, work.token),
            _request("/returns", {"item": barcode, "branch": work.branch}, work.token),
        )
    ]


async def run(work: Work) -> Result:
    """Make requests for as long as `work` says."""
    loop = asyncio.get_running_loop()
    connections = []
    for number in range(work.connections):
        requests = _requests(work, slice(number, None, work.connections))
        _, connection = await loop.create_connection(partial(Connection, requests), "127.0.0.1", work.port)
        connections.append(connection)
    await asyncio.sleep(work.warm_up_seconds)
    for connection in connections:
        connection.times.clear()
    started = time.perf_counter()
    await asyncio.sleep(work.seconds)
    took = time.perf_counter() - started
    times = sorted(moment for connection in connections for moment in connection.times)
    for connection in connections:
        connection.running = False
    await asyncio.sleep(0.2)
    statuses = sum((connection.statuses for connection in connections), Counter())
    failures = sum(count for status, count in statuses.items() if status not in {"200", "201"})
    cuts = statistics.quantiles(times, n=100) if len(times) > 1 else [0.0] * 99
    return Result(len(times) / took, cuts[49] * 1000, cuts[98] * 1000, failures, dict(statuses))


if __name__ == "__main__":
    print(json.dumps(asdict(uvloop.run(run(Work(**json.load(sys.stdin)))))))
