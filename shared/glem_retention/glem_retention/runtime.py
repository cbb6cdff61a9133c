"""The Runtime of a service that owns records of persons: the frame's, with the agencies' policies and the guard of restored databases."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import httpx
from fastapi import Depends, Request

from glem.clock import Clock
from glem.service import BaseRuntime, Connections
from glem.settings import Settings
from glem.transport import Transport
from glem_retention.agencies import Agencies, load_agencies
from glem_retention.restore import Guard


@dataclass(kw_only=True)
class Runtime(BaseRuntime):
    """Everything that such a service needs from outside; the embedded and the distributed suite differ only in these values."""

    agencies: Agencies
    guard: Guard

    @classmethod
    async def open(
        cls,
        service: str,
        settings: Settings,
        *,
        transport: Transport | None = None,
        clock: Clock | None = None,
        agencies: Agencies | None = None,
        asgi: Mapping[str, httpx.AsyncBaseTransport] | None = None,
    ) -> "Runtime":
        """Connect a service to its database and peers; raises PolicyFileError or OSError when it cannot."""
        known = Agencies(agencies or load_agencies(settings.agencies))
        known.require(service)
        parts = await Connections.connect(service, settings, transport=transport, clock=clock, asgi=asgi)
        guard = Guard(
            service,
            parts.database,
            parts.clients,
            parts.transport,
            parts.metrics,
            witness=settings.witness,
            unchecked=settings.serve_unchecked,
        )
        return cls(**vars(parts), agencies=known, guard=guard)


async def runtime_of(request: Request) -> Runtime:
    """Return the runtime of a route's service."""
    runtime: Runtime = request.app.state.runtime
    return runtime


Context = Annotated[Runtime, Depends(runtime_of)]
