"""The gate in front of a service: while its guard is closed, almost every request is answered 503."""

from typing import Protocol

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from glem.problems import ProblemType, problem_response

OPEN_TO_ALL = (
    "/health",
    "/metrics",
    "/asyncapi.json",
    "/.well-known",
    "/oauth/token",
    "/disposals",
    "/docs",
    "/openapi.json",
)
RESTORING = ProblemType(
    "restoring",
    503,
    "Tjenesten er ved at sikre, at intet slettet er kommet tilbage. Prøv igen om lidt.",
    "The service is making sure that nothing erased has come back. Try again soon.",
)


class ServingGuard(Protocol):
    """Decides whether a service may serve. The frame has no reason against it; `glem_retention.restore` has one."""

    @property
    def closed(self) -> bool:
        """Whether nobody is served."""

    def shut(self) -> None:
        """Serve nobody until `run` has checked the database."""

    async def look(self) -> object:
        """Read the mark of the database before anything is written to it."""

    async def run(self) -> None:
        """Open the service when it may serve, and go on checking until cancelled."""

    async def beat(self) -> bool:
        """Store the mark of the database."""

    def report(self) -> dict[str, object]:
        """Describe the state for people to read."""


class Gate:
    """Middleware that answers 503 to all but a few requests while `guard` is closed."""

    def __init__(self, app: ASGIApp, guard: ServingGuard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or answer it."""
        if self._guard.closed and scope["type"] == "http":
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            if not path.startswith(OPEN_TO_ALL):
                answer = problem_response(Request(scope), RESTORING(), headers={"retry-after": "1"})
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)
