"""The parts of a service: its runtime, and the application with its routes, consumers and background tasks."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

import asyncpg
import httpx
import orjson
import structlog
import uvicorn
import uvloop
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from prometheus_client import generate_latest
from pydantic import TypeAdapter
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from glem import problems
from glem.background import BackgroundTask
from glem.clients import Clients, PeerError
from glem.clock import Clock, SystemClock, TravellingClock
from glem.consuming import Consumer, Handler
from glem.database import UNREACHABLE, Database
from glem.gate import Gate, ServingGuard
from glem.identity import Verifier
from glem.logs import configure_logs
from glem.metrics import Metrics
from glem.plain_routes import Endpoint, plain_routes
from glem.relay import Relay
from glem.settings import Settings
from glem.tracing import enter_trace
from glem.transport import Transport, TransportError
from glem.transport.kafka import KafkaTransport
from glem.transport.local import LocalTransport
from glem_contracts.calls import Call
from glem_contracts.events.asyncapi import document
from glem_contracts.events.envelope import EventData

log = structlog.get_logger(__name__)

SILENCE_LIMIT_SECONDS = 60.0
# Longer than clients keep idle connections, or a request may be sent on one that is just being closed.
KEEP_ALIVE_SECONDS = 75
DOCS_ASSETS = "/docs/assets"
TIDY_SECONDS = 60.0
LAG_SECONDS = 3.0
SERVER_LOG_SECONDS = 300.0
LOSS_SECONDS = 20.0


@dataclass(kw_only=True)
class Connections:
    """The connections of a service."""

    service: str
    settings: Settings
    database: Database
    transport: Transport
    clock: Clock
    clients: Clients
    verifier: Verifier
    metrics: Metrics
    relay: Relay

    @classmethod
    async def connect(
        cls,
        service: str,
        settings: Settings,
        *,
        transport: Transport | None = None,
        clock: Clock | None = None,
        asgi: Mapping[str, httpx.AsyncBaseTransport] | None = None,
    ) -> "Connections":
        """Connect a service to its database and peers; raises OSError when it cannot."""
        clock = clock or (TravellingClock(settings.clock_file) if settings.clock_file else SystemClock())
        clients = Clients(
            settings.peers(),
            client_id=service,
            secret=settings.service_secret.get_secret_value(),
            transports=asgi,
        )
        database = await Database.open(settings.database_url, service, clock, size=settings.pool_size)
        transport = transport or _transport_of(settings)
        relay = Relay(database, transport, service)
        if isinstance(transport, LocalTransport):
            transport.sources.append(relay.refill)

        keys_url = settings.jwks_url or f"{settings.patron_api.rstrip('/')}/.well-known/jwks.json"
        # The issuer may be outside: this document is declared by RFC 7517.
        keys = Call("GET", keys_url, ("patron-api",), TypeAdapter(dict[str, object]), with_token=False)

        return Connections(
            service=service,
            settings=settings,
            database=database,
            transport=transport,
            clock=clock,
            clients=clients,
            verifier=Verifier(partial(clients.call, "patron-api", keys), settings.issuer),
            metrics=Metrics(service),
            relay=relay,
        )


@dataclass(kw_only=True)
class BaseRuntime(Connections):
    """A running service: its connections, its guard, and its background tasks."""

    guard: ServingGuard
    tasks: list[BackgroundTask] = field(default_factory=list)
    starting: list[Callable[[], Awaitable[object]]] = field(default_factory=list)
    running: list[asyncio.Task[None]] = field(default_factory=list)

    def consume(self, handlers: Mapping[type[EventData], Handler]) -> None:
        """Subscribe this service to the events that `handlers` name; before the application starts."""
        consumer = Consumer(self.service, self.database, handlers, self.metrics.dead_letters)
        self.transport.subscribe(self.service, consumer.topics, consumer.deliver)

    def every(
        self, seconds: float, name: str, work: Callable[[], Awaitable[int]], *, timely: bool = True
    ) -> BackgroundTask:
        """Run `work` in the background each `seconds`, or sooner when the returned task is woken; never while the service is shut."""

        async def when_open() -> int:
            return 0 if self.guard.closed else await work()

        task = BackgroundTask(name, when_open, every=seconds, timely=timely)
        self.tasks.append(task)
        return task

    async def close(self) -> None:
        """Close the connections to peers and database."""
        await self.clients.close()
        await self.database.close()


def _transport_of(settings: Settings) -> Transport:
    if settings.transport == "kafka":
        return KafkaTransport(
            settings.kafka, partitions=settings.kafka_partitions, instance=settings.instance, ca=settings.kafka_ca
        )
    return LocalTransport()


def build_app(
    runtime: BaseRuntime,
    *,
    title: str,
    description: str,
    routers: Sequence[APIRouter],
    plain: Sequence[Endpoint] = (),
) -> FastAPI:
    """Return the application of one service: its routes, the operational ones, problem documents, and its background work.

    Starlette serves the endpoints `plain` of the routers by itself, as `glem.plain_routes` says.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        runtime.every(TIDY_SECONDS, "tidy-outbox", runtime.relay.tidy, timely=False)
        runtime.every(SERVER_LOG_SECONDS, "server-log", partial(_look_at_server_log, runtime), timely=False)
        runtime.every(LOSS_SECONDS, "lost-events", runtime.relay.make_good, timely=False)
        await runtime.guard.look()
        for prepare in runtime.starting:
            await prepare()
        await runtime.transport.start()
        runtime.running = [
            asyncio.create_task(job(), name=runtime.service)
            for job in (runtime.relay.run, runtime.guard.run, *(t.run for t in runtime.tasks))
        ]
        try:
            yield
        finally:
            for task in runtime.running:
                task.cancel()
            await asyncio.gather(*runtime.running, return_exceptions=True)
            with suppress(Exception):
                await asyncio.wait_for(runtime.guard.beat(), LAG_SECONDS)
            await runtime.transport.stop()

    app = FastAPIOffline(
        title=title,
        description=description,
        lifespan=lifespan,
        version="1",
        redoc_url=None,
        static_url=DOCS_ASSETS,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        responses={422: {"description": "Problem document (RFC 9457)"}},
    )
    app.state.runtime = runtime
    app.router.routes[:0] = plain_routes(routers, plain)
    for router in (*routers, _operations(runtime)):
        app.include_router(router)
    _answer_problems(app)
    app.add_middleware(Gate, guard=runtime.guard)
    app.add_middleware(_Tracing)
    return app


async def _look_at_server_log(runtime: BaseRuntime) -> int:
    """Log a warning with the settings by which the database server would log values; only its operator may change them."""
    found = await runtime.database.settings_that_log_values()
    runtime.metrics.server_logs_values.set(len(found))
    if found:
        log.critical("server_logs_values", settings=found)
    return 0


class _Tracing:
    """Continues or begins the trace of each request and names it in the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        incoming = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"), None)
        trace = enter_trace(incoming).encode()

        async def send_traced(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"traceparent", trace)]
            await send(message)

        await self._app(scope, receive, send_traced)


def _operations(runtime: BaseRuntime) -> APIRouter:
    router = APIRouter(tags=["operations"])

    @router.get("/health/live")
    async def live() -> dict[str, str]:
        """Say that the process runs."""
        return {"service": runtime.service, "state": "live"}

    @router.get("/health/ready")
    async def ready(response: Response) -> dict[str, object]:
        """Say whether the service can do its work: its database answers, its background tasks run, no topic keeps events too long."""
        silent = [task.name for task in runtime.tasks if task.silent_seconds > SILENCE_LIMIT_SECONDS + task.every]
        try:
            await runtime.database.fetchval("SELECT 1", timeout=5)
            database = True
        except UNREACHABLE:
            database = False
        trouble = runtime.transport.trouble()
        ended = sum(task.done() for task in runtime.running)
        is_ready = database and not silent and not trouble and not ended and not runtime.guard.closed
        response.status_code = 200 if is_ready else 503
        return {
            "service": runtime.service,
            "ready": is_ready,
            "database": database,
            "silent": silent,
            "ended": ended,
            "transport": trouble,
            "restore": runtime.guard.report(),
        }

    @router.get("/metrics")
    async def metrics() -> Response:
        """Return the figures of this service in Prometheus' text format; a figure that cannot be read now is NaN or unchanged."""
        try:
            runtime.metrics.outbox_unsent.set(await runtime.relay.unsent())
            oldest = await runtime.database.oldest_transaction()
            runtime.metrics.oldest_transaction.set(oldest.total_seconds())
        except UNREACHABLE:
            runtime.metrics.outbox_unsent.set(float("nan"))
        runtime.metrics.relay_failures.set(runtime.relay.failures)
        with suppress(TransportError, TimeoutError):
            async with asyncio.timeout(LAG_SECONDS):
                runtime.metrics.consumer_lag.labels(runtime.service).set(
                    (await runtime.transport.lag()).get(runtime.service, 0)
                )
        return Response(generate_latest(runtime.metrics.registry), media_type="text/plain; version=0.0.4")

    @router.get("/asyncapi.json")
    async def asyncapi() -> Response:
        """Return the AsyncAPI document of the events, generated from their classes."""
        return Response(orjson.dumps(document()), media_type="application/json")

    return router


def _answer_problems(app: FastAPI) -> None:
    @app.exception_handler(problems.RefusedError)
    async def refused(request: Request, error: problems.RefusedError) -> Response:
        headers = {"www-authenticate": "Bearer"} if error.refusal.problem.status == 401 else None
        return problems.problem_response(request, error.refusal, headers=headers)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> Response:
        kinds = {item["type"] for item in error.errors()}
        refusal = problems.NOT_JSON() if "json_invalid" in kinds else problems.MALFORMED()
        errors = [problems.field_error(item["type"], item["loc"], item["msg"]) for item in error.errors()]
        return problems.problem_response(request, refusal, errors=errors)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        kinds = {404: problems.NOT_FOUND, 405: problems.METHOD, 400: problems.NOT_JSON}
        return problems.problem_response(
            request, kinds.get(error.status_code, problems.INTERNAL)(), headers=error.headers
        )

    for unreachable in UNREACHABLE:
        app.add_exception_handler(unreachable, _unavailable)
    app.add_exception_handler(asyncpg.DataError, _unfit)
    app.add_exception_handler(PeerError, _unavailable)
    app.add_exception_handler(Exception, _internal)


async def _unfit(request: Request, _: Exception) -> Response:
    """Answer for a value that fits no column: a number too large, a zero character."""
    return problems.problem_response(request, problems.MALFORMED())


async def _unavailable(request: Request, error: Exception) -> Response:
    log.warning(
        "unavailable", kind=type(error).__name__, path=request.scope["route"].path if "route" in request.scope else ""
    )
    return problems.problem_response(request, problems.UNAVAILABLE(), headers={"retry-after": "1"})


async def _internal(request: Request, _: Exception) -> Response:
    return problems.problem_response(request, problems.INTERNAL())


async def serve(runtime: BaseRuntime, app: FastAPI) -> None:
    """Serve `app` until the process gets a signal to stop, then close the runtime."""
    configure_logs(runtime.settings.log_level)
    runtime.guard.shut()
    config = uvicorn.Config(
        app,
        runtime.settings.host,
        runtime.settings.port,
        root_path=runtime.settings.root_path,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    spare_collector()
    try:
        await uvicorn.Server(config).serve()
    finally:
        await runtime.close()


def spare_collector() -> None:
    """Let the garbage collector ignore the objects made at start, and run less often.

    With Python's defaults it takes half the time of a batch of events. Call this when a process has all its parts.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def run(main: Coroutine[object, object, None]) -> None:
    """Run a service's `main` on the faster event loop."""
    uvloop.run(main)
