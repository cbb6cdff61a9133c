"""The mail server and the SMS gateway that the notifier's tests send to: real ones, on this machine."""

import asyncio
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

import uvicorn
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from fastapi import FastAPI

from glem_local.sms_gateway import create_app as create_sms_gateway


@dataclass
class MailServer:
    """A real SMTP server on 127.0.0.1 that can be told to refuse, and can go away and come back."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    answers_to_recipient: list[str] = field(default_factory=list)
    answers_to_data: list[str] = field(default_factory=list)
    connections: int = 0
    controller: Controller | None = None

    def start(self) -> None:
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, ready_timeout=30)
        self.controller.start()

    def stop(self) -> None:
        if self.controller is not None:
            self.controller.stop(no_assert=True)
            self.controller = None

    async def handle_EHLO(  # noqa: N802  aiosmtpd's name
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.connections += 1
        return responses

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.answers_to_recipient:
            return self.answers_to_recipient.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        if self.answers_to_data and not (answer := self.answers_to_data.pop(0)).startswith("250"):
            return answer
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(message_from_bytes(content, policy=policy.default))  # type: ignore[arg-type]
        self.recipients.append(envelope.rcpt_tos[0])
        return "250 OK"

    def texts(self) -> list[str]:
        return [mail.get_content() for mail in self.mails]


@dataclass
class SmsServer:
    """The SMS gateway of the development suite, on uvicorn."""

    port: int
    app: FastAPI = field(default_factory=lambda: create_sms_gateway("sms-secret"))
    server: uvicorn.Server | None = None
    running: "asyncio.Task[None] | None" = None

    async def start(self) -> None:
        self.server = uvicorn.Server(uvicorn.Config(self.app, "127.0.0.1", self.port, log_config=None))
        self.running = asyncio.create_task(self.server.serve())
        async with asyncio.timeout(10):
            while not self.server.started:  # noqa: ASYNC110  uvicorn has no event for it
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        if self.server is not None and self.running is not None:
            self.server.should_exit = True
            await self.running
            self.server = None

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.app.state.messages.values()]
