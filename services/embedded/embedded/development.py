"""Routes of a development suite only: moving the clock, reading caught mails, and a page of addresses."""

from datetime import timedelta
from html import escape
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.routing import Mount

from embedded.suite import Suite
from glem.service import DOCS_ASSETS
from glem_local.mail import MailCatcher, ReceivedMail
from glem_local.sms_gateway import create_app as create_sms_gateway


class Travel(BaseModel):
    """How far to move the clock; with `settle` the answer waits until everything that became due is done."""

    seconds: float = Field(gt=0, le=366 * 24 * 3600)
    settle: bool = True


def development_app(suite: Suite, mail: MailCatcher | None) -> Starlette:
    """Return the suite as one application, with its development routes."""
    router = APIRouter(tags=["development"])

    @router.get("/clock")
    async def read_clock() -> dict[str, object]:
        """Return the suite's time, and how far it is ahead of real time."""
        return {"now": suite.clock.now(), "ahead_seconds": suite.clock.offset.total_seconds()}

    @router.post("/clock/travel")
    async def travel(request: Travel) -> dict[str, object]:
        """Move the clock forward."""
        if request.settle:
            await suite.travel(timedelta(seconds=request.seconds))
        else:
            suite.clock.travel(timedelta(seconds=request.seconds))
        return await read_clock()

    @router.post("/settle")
    async def settle() -> dict[str, object]:
        """Wait until everything due now has been done."""
        await suite.settle()
        return await read_clock()

    @router.get("/mail")
    async def mails() -> list[ReceivedMail]:
        """Show the newest mails that the suite sent to its own mail catcher."""
        return list(mail.newest) if mail is not None else []

    @router.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def index() -> str:
        """Show the addresses of the suite."""
        rows = "".join(
            f'<li><a href="/{escape(name)}/docs">{escape(name)}</a> · <a href="/{escape(name)}/health/ready">ready</a>'
            f' · <a href="/{escape(name)}/metrics">metrics</a> · <a href="/{escape(name)}/asyncapi.json">events</a></li>'
            for name in suite.apps
        )
        return f'<!doctype html><title>Glem</title><h1>Glem</h1><ul>{rows}</ul><a href="/docs">clock and mail</a>'

    tools = FastAPIOffline(title="Glem: development suite", version="1", redoc_url=None, static_url=DOCS_ASSETS)
    tools.include_router(router)
    return suite.root(Mount("/sms-gateway", create_sms_gateway()), after=[Mount("/", tools)])


def default_agencies() -> Path:
    """Return the folder of the four libraries' files in this checkout."""
    return Path(__file__).resolve().parents[3] / "deploy" / "agencies"
