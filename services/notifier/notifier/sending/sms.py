"""The SMS gateway: JSON over HTTP, with a key by which it knows a message that it has taken before."""

import asyncio
import ssl
from collections.abc import Iterable
from dataclasses import dataclass

import httpx

from notifier.sending.mail import MayBegin, Report
from notifier.sending.rules import Outcome
from notifier.settings import NotifierSettings

ANSWER_SECONDS = 30.0
UNREACHABLE = "sms-gateway-unreachable"
OURS = frozenset({401, 403, 404, 405})


@dataclass(frozen=True, slots=True)
class Sms:
    """One SMS. The message's id is the key: the same at each try."""

    message_id: int
    sender: str
    recipient: str
    text: str


class SmsGateway:
    """Hands SMS to the gateway that the settings name."""

    def __init__(self, settings: NotifierSettings) -> None:
        """Call as `settings` say, when there is something to send."""
        self._settings = settings
        self._tls = ssl.create_default_context(cafile=settings.gateway_ca)

    async def send(self, messages: Iterable[Sms], report: Report, may_begin: MayBegin) -> None:
        """Hand over `messages` and report on each; none is begun once `may_begin` says no."""
        token = self._settings.sms_token.get_secret_value()
        headers = {"authorization": f"Bearer {token}"} if token else {}
        waiting = list(messages)
        waiting.reverse()

        async def work(client: httpx.AsyncClient) -> None:
            while waiting and may_begin():
                sms = waiting.pop()
                outcome = await self._hand_over(client, sms)
                report(sms.message_id, outcome)
                if outcome.result == "outage":
                    return

        async with httpx.AsyncClient(verify=self._tls, headers=headers, timeout=ANSWER_SECONDS) as client:
            await asyncio.gather(*(work(client) for _ in range(min(self._settings.sms_connections, len(waiting)))))
        for sms in waiting:
            report(sms.message_id, Outcome("outage", UNREACHABLE))

    async def _hand_over(self, client: httpx.AsyncClient, sms: Sms) -> Outcome:
        order = {"to": sms.recipient, "from": sms.sender, "text": sms.text, "idempotency_key": str(sms.message_id)}
        try:
            answer = await client.post(self._settings.sms_url, json=order)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            return Outcome("outage", UNREACHABLE)
        except httpx.HTTPError:
            return Outcome("retry", "sms-broken-off")
        return _outcome(answer.status_code)


def _outcome(status: int) -> Outcome:
    if status < 300:
        return Outcome("sent")
    if status in OURS or status == httpx.codes.SERVICE_UNAVAILABLE:
        return Outcome("outage", f"sms-{status}")
    passing = status >= 500 or status in {
        httpx.codes.REQUEST_TIMEOUT,
        httpx.codes.CONFLICT,
        httpx.codes.TOO_MANY_REQUESTS,
    }
    return Outcome("retry" if passing else "failed", f"sms-{status}")
