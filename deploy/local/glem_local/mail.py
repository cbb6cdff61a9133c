"""A mail server for development: accepts mails over SMTP, delivers none, and keeps the newest to be read."""

from collections import deque
from dataclasses import dataclass
from email import message_from_bytes, policy
from typing import cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

KEPT = 500


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """One delivered mail."""

    recipient: str
    message_id: str
    subject: str
    text: str


class MailCatcher:
    """An SMTP server on 127.0.0.1 that delivers nowhere."""

    def __init__(self, port: int, kept: int = KEPT) -> None:
        self.port = port
        self.count = 0
        self.newest: deque[ReceivedMail] = deque(maxlen=kept)
        self._controller = Controller(self, hostname="127.0.0.1", port=port, ready_timeout=30)

    def start(self) -> None:
        """Listen, in a thread of its own."""
        self._controller.start()

    def stop(self) -> None:
        """Stop listening."""
        self._controller.stop(no_assert=True)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        """Keep one mail; called by aiosmtpd."""
        mail = message_from_bytes(cast("bytes", envelope.content), policy=policy.default)
        body = mail.get_body(("plain",))
        self.newest.append(
            ReceivedMail(
                recipient=envelope.rcpt_tos[0],
                message_id=str(mail["message-id"]),
                subject=str(mail["subject"]),
                text=body.get_content() if body is not None else "",
            )
        )
        self.count += 1
        return "250 OK"
