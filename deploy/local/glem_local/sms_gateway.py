"""An SMS gateway for development: accepts messages over HTTP, passes none on, and keeps the newest to be read.

Like a real gateway it recognises a repeated message by its idempotency key, and answers 200 without sending it twice. It keeps
messages for an hour at most, and in memory only, because nobody else can delete from a gateway (R62, H92).
"""

import os
import time
from collections import OrderedDict
from typing import Annotated

import uvicorn
from fastapi import FastAPI, Header, HTTPException, Response
from pydantic import BaseModel, Field

KEPT = 500
KEYS_KEPT = 100_000
KEPT_SECONDS = 3600.0


class SmsOrder(BaseModel):
    """One SMS to send. `sender` is a number or at most eleven letters and digits."""

    to: str = Field(pattern=r"^\+[1-9]\d{6,14}$", description="Receiver, E.164.")
    sender: str = Field(alias="from", pattern=r"^(?:[A-Za-z0-9 ]{1,11}|\+\d{8,15})$")
    text: str = Field(min_length=1, max_length=1530, description="Ten parts at most.")
    idempotency_key: str = Field(min_length=1, max_length=64)


class SmsTaken(BaseModel):
    """The answer to an order, the same for each repetition."""

    idempotency_key: str


class SmsKept(BaseModel):
    """An accepted message, as it is shown."""

    to: str
    sender: str
    text: str
    taken_at: float = Field(description="Unix time.")


def create_app(token: str = "", *, kept: int = KEPT) -> FastAPI:
    """Return the gateway; with a `token`, only a bearer of it may send. Messages: `app.state.messages`, by key."""
    app = FastAPI(title="Glem: SMS gateway for development", version="1", docs_url=None, redoc_url=None)
    messages: OrderedDict[str, SmsKept] = OrderedDict()
    keys: OrderedDict[str, None] = OrderedDict()
    app.state.messages = messages

    @app.post("/messages", status_code=201)
    async def send(order: SmsOrder, response: Response, authorization: Annotated[str, Header()] = "") -> SmsTaken:
        """Accept one SMS; 200 if it was accepted before."""
        if token and authorization != f"Bearer {token}":
            raise HTTPException(401)
        if order.idempotency_key in keys:
            response.status_code = 200
        else:
            keys[order.idempotency_key] = None
            messages[order.idempotency_key] = SmsKept(
                to=order.to, sender=order.sender, text=order.text, taken_at=time.time()
            )
            _tidy(messages, keys, kept)
        return SmsTaken(idempotency_key=order.idempotency_key)

    @app.get("/messages")
    async def look() -> list[SmsKept]:
        """Show the accepted messages, newest first."""
        _tidy(messages, keys, kept)
        return list(reversed(messages.values()))

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        """Say that the gateway runs."""
        return {"service": "sms-gateway", "state": "live"}

    return app


def _tidy(messages: OrderedDict[str, SmsKept], keys: OrderedDict[str, None], kept: int) -> None:
    oldest = time.time() - KEPT_SECONDS
    while messages and (len(messages) > kept or next(iter(messages.values())).taken_at < oldest):
        messages.popitem(last=False)
    while len(keys) > KEYS_KEPT:
        keys.popitem(last=False)


def main() -> None:
    """Serve on SMS_GATEWAY_HOST and SMS_GATEWAY_PORT; a sender must give SMS_GATEWAY_TOKEN if it is set."""
    app = create_app(os.environ.get("SMS_GATEWAY_TOKEN", ""))
    host = os.environ.get("SMS_GATEWAY_HOST", "127.0.0.1")
    uvicorn.run(app, host=host, port=int(os.environ["SMS_GATEWAY_PORT"]), log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
