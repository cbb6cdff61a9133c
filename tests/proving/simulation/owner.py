"""The way from the workers to loan-api: in process, and at times broken on the way there or back."""

from enum import Enum

import httpx
from fastapi import FastAPI


class Line(Enum):
    """How the line is: sound; away (nothing arrives); mute (the order is carried out, and the answer lost)."""

    SOUND = "sound"
    AWAY = "away"
    MUTE = "mute"


class FlakyLine(httpx.AsyncBaseTransport):
    """Calls an application in this process, as well as `state` lets it."""

    def __init__(self) -> None:
        """Begin without an application."""
        self.state = Line.SOUND
        self.lost_answers = 0
        self._inner: httpx.ASGITransport | None = None

    def connect(self, app: FastAPI) -> None:
        """Let calls reach `app`."""
        self._inner = httpx.ASGITransport(app, raise_app_exceptions=True)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on; raises httpx.TransportError as the line's state has it."""
        if self.state is Line.AWAY or self._inner is None:
            raise httpx.ConnectError("away", request=request)
        answer = await self._inner.handle_async_request(request)
        if self.state is Line.MUTE:
            await answer.aread()
            self.lost_answers += 1
            raise httpx.ReadTimeout("no answer", request=request)
        return answer
