"""A toy service built as the real ones are, and the issuer and peer that it needs."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

import httpx
from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from glem.database import Transaction
from glem.service import build_app
from glem.settings import Settings
from glem.transport import Transport
from glem.transport.local import LocalTransport
from glem_contracts.calls import Call
from glem_contracts.events import ContactChanged, PatronErased
from glem_contracts.events.envelope import Event
from glem_retention.agencies import load_agencies
from glem_retention.disposals import Disposer, disposal_router
from glem_retention.runtime import Context, Runtime
from tests.glem.test_identity import Issuer
from tests.glem.toys import AGENCY, SERVICE

SEEN = Call("GET", "/seen", ("loan-api",), TypeAdapter(dict[str, str]))
AGENCIES = Path(__file__).parents[2] / "deploy" / "agencies"
read_agencies = cache(load_agencies)


class Address(BaseModel):
    kind: Literal["address"]
    street: str


class Phone(BaseModel):
    kind: Literal["phone"]
    number: int


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: int
    pin: str = Field(default="1234", pattern=r"^\d{4}$")
    state: Literal["new", "old"] = "new"
    contact: Address | Phone | None = Field(default=None, discriminator="kind")
    counts: dict[str, int] = Field(default_factory=dict)


@dataclass
class Peer:
    """Stands for patron-api (tokens) and loan-api (a route that tells by which trace it was called)."""

    issuer: Issuer = field(default_factory=Issuer)
    traces: list[str] = field(default_factory=list)
    logins: int = 0

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/jwks.json")
        async def keys() -> dict[str, object]:
            return await self.issuer.fetch()

        @app.post("/oauth/token")
        async def log_in() -> dict[str, object]:
            self.logins += 1
            return {"access_token": self.issuer.token(role="service", agency="*"), "expires_in": 600}

        @app.get("/seen")
        async def seen(request: Request) -> dict[str, str]:
            self.traces.append(request.headers["traceparent"])
            return {"authorization": request.headers["authorization"]}

        return app


router = APIRouter()


@router.post("/things")
async def add(thing: Thing, context: Context) -> dict[str, int]:
    async with context.database.transaction() as tx:
        await tx.execute("INSERT INTO thing (id) VALUES ($1)", thing.id)
        tx.record(AGENCY, thing.id, PatronErased(patron_id=thing.id))
    return {"id": thing.id}


@router.get("/things/{number}")
async def find(number: int, context: Context) -> dict[str, int | None]:
    return {"seen": await context.database.fetchval("SELECT seen FROM thing WHERE id = $1", number)}


@router.get("/texts")
async def find_by_text(text: str, context: Context) -> dict[str, str]:
    return {"text": await context.database.fetchval("SELECT $1::text", text)}


@router.get("/failure")
async def fail() -> None:
    raise RuntimeError("Karen 700190-1234 wrote kage")


@dataclass
class Toy:
    """The toy service as a client meets it."""

    runtime: Runtime
    app: FastAPI
    client: httpx.AsyncClient
    peer: Peer

    def token(self, **claims: object) -> dict[str, str]:
        return {"authorization": f"Bearer {self.peer.issuer.token(**claims)}"}


@asynccontextmanager
async def open_toy(
    url: str, *, transport: Transport | None = None, disposers: Mapping[str, Disposer] | None = None
) -> AsyncIterator[Toy]:
    """The toy service, running; its events are consumed by itself."""
    peer = Peer()
    settings = Settings(
        database_url=url,
        agencies=AGENCIES,
        transport="local",
        service_secret="secret",
        patron_api="http://patrons.test",
        loan_api="http://loans.test",
    )
    inner = httpx.ASGITransport(peer.app())
    runtime = await Runtime.open(
        SERVICE,
        settings,
        transport=transport or LocalTransport(),
        agencies=read_agencies(AGENCIES),
        asgi={"patron-api": inner, "loan-api": inner},
    )

    async def call_on(_: object, events: Sequence[Event]) -> None:
        for event in events:
            answer = await runtime.clients.call("loan-api", SEEN)
            assert answer["authorization"].startswith("Bearer ey"), event.type

    async def call_and_record(tx: Transaction, events: Sequence[Event]) -> None:
        for event in events:
            tx.record(AGENCY, event.subject, ContactChanged(patron_id=int(event.subject)))

    runtime.consume({ContactChanged: call_on, PatronErased: call_and_record})
    routers = [router, disposal_router(disposers or {})]
    app = build_app(runtime, title="Toy", description="A toy.", routers=routers)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(runtime.close)
        await stack.enter_async_context(app.router.lifespan_context(app))
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://toy.test"
        )
        await stack.enter_async_context(client)
        yield Toy(runtime, app, client, peer)
