"""The mail gateway: SMTP, several messages over each connection, a few connections at a time.

What a server says beyond its code is dropped: it may hold an address, or the message (H93).
"""

import asyncio
import re
import ssl
from base64 import encodebytes
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, formataddr
from functools import lru_cache

import aiosmtplib

from notifier.sending.rules import Outcome
from notifier.settings import NotifierSettings

ANSWER_SECONDS = 30.0
PLAIN_ADDRESS = re.compile(r"[!-;=?-~]+@[!-;=?-~]+")
MESSAGES_PER_CONNECTION = 100
UNREACHABLE = "mail-server-unreachable"


@dataclass(frozen=True, slots=True)
class Mail:
    """One e-mail, ready but for the wire."""

    message_id: int
    sender: str
    sender_name: str
    recipient: str
    language: str
    subject: str
    body: str
    date: datetime

    def to_bytes(self) -> bytes:
        """Return the message as it goes over the wire; raises ValueError for an address that is none.

        Its Message-ID is the same at each try, so that a mailbox can tell a second copy from a second message.
        """
        if not PLAIN_ADDRESS.fullmatch(self.recipient):
            raise ValueError("not an address")
        domain = self.sender.partition("@")[2]
        lines = [
            f"From: {_sender(self.sender_name, self.sender)}",
            f"To: {self.recipient}",
            f"Subject: {_subject(self.subject)}",
            f"Date: {format_datetime(self.date)}",
            f"Message-ID: <{self.message_id}@{domain}>",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: base64",
            f"Content-Language: {self.language}",
            "Auto-Submitted: auto-generated",
        ]
        head = "\r\n".join(lines).encode("ascii")
        text = encodebytes(self.body.replace("\n", "\r\n").encode()).replace(b"\n", b"\r\n")
        return head + b"\r\n\r\n" + text


@lru_cache(maxsize=256)
def _sender(name: str, address: str) -> str:
    return formataddr((name, address))


@lru_cache(maxsize=256)
def _subject(text: str) -> str:
    return Header(text, "utf-8", header_name="Subject").encode(linesep="\r\n")


Report = Callable[[int, Outcome], None]
MayBegin = Callable[[], bool]


class MailGateway:
    """Hands mails to the mail server that the settings name."""

    def __init__(self, settings: NotifierSettings) -> None:
        """Connect as `settings` say, when there is something to send."""
        self._settings = settings
        self._tls = None if settings.smtp_tls == "none" else ssl.create_default_context(cafile=settings.gateway_ca)

    async def send(self, mails: Iterable[Mail], report: Report, may_begin: MayBegin) -> None:
        """Hand over `mails` and report on each; none is begun once `may_begin` says no."""
        waiting = deque(mails)
        connections = min(self._settings.smtp_connections, len(waiting))
        await asyncio.gather(*(self._work(waiting, report, may_begin) for _ in range(connections)))
        for mail in waiting:
            report(mail.message_id, Outcome("outage", UNREACHABLE))

    async def _work(self, waiting: deque[Mail], report: Report, may_begin: MayBegin) -> None:
        while waiting and may_begin():
            try:
                client = await self._connect()
            except (aiosmtplib.SMTPException, OSError):
                return
            try:
                await _send_over(client, waiting, report, may_begin)
            finally:
                client.close()

    async def _connect(self) -> aiosmtplib.SMTP:
        settings = self._settings
        client = aiosmtplib.SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            use_tls=settings.smtp_tls == "tls",
            start_tls=settings.smtp_tls == "starttls",
            tls_context=self._tls,
            username=settings.smtp_user or None,
            password=settings.smtp_password.get_secret_value() or None,
            timeout=ANSWER_SECONDS,
        )
        await client.connect()
        return client


async def _send_over(client: aiosmtplib.SMTP, waiting: deque[Mail], report: Report, may_begin: MayBegin) -> None:
    # A bounce shall not bring the text back (H93).
    options = ["RET=HDRS"] if client.supports_extension("dsn") else []
    for _ in range(MESSAGES_PER_CONNECTION):
        if not waiting or not may_begin():
            break
        mail = waiting.popleft()
        outcome = await _hand_over(client, mail, options)
        report(mail.message_id, outcome)
        if not client.is_connected:
            return
    try:
        await client.quit()
    except (aiosmtplib.SMTPException, OSError):
        return


async def _hand_over(client: aiosmtplib.SMTP, mail: Mail, options: list[str]) -> Outcome:
    try:
        content = mail.to_bytes()
    except ValueError:
        return Outcome("failed", "bad-address")
    try:
        await client.sendmail(mail.sender, mail.recipient, content, mail_options=options)
    except aiosmtplib.SMTPRecipientsRefused as error:
        return _refused(error.recipients[0].code)
    except aiosmtplib.SMTPSenderRefused as error:
        # The sender is ours: what is wrong with it is no fault of the message.
        return Outcome("outage", f"smtp-{error.code}")
    except aiosmtplib.SMTPResponseException as error:
        return _refused(error.code)
    except (aiosmtplib.SMTPException, OSError):
        client.close()
        return Outcome("retry", "smtp-broken-off")
    return Outcome("sent")


def _refused(code: int) -> Outcome:
    return Outcome("failed" if 500 <= code < 600 else "retry", f"smtp-{code}")
