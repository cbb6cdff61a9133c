"""One pass over the queue: take messages in hand, ask who and what, write them, hand them over, note what became of them.

How far "nothing is sent twice" goes: an event leads to its message once, however often it comes; a message in hand is in one
process only; and before the hand-over its channel and its try are committed. What no sender can promise alone is the moment
between a server's "taken" and our commit: a process that dies just then finds the message `sending` after its lease, and
hands it over again, under the same Message-ID (by which a mailbox can tell) or the same idempotency key (by which the SMS
gateway does tell). A process that is asked to stop writes its results first.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, timedelta

import structlog

from glem.clients import PeerError
from glem.consuming import RETRYABLE
from glem.database import Transaction
from glem_contracts.events import MessageFailed, MessageSent, MessageSuppressed
from glem_contracts.events.envelope import Erasure, RecordClock
from glem_retention.runtime import Runtime
from notifier.keys import Place, seal
from notifier.messages.actions import drop_messages, keys_of
from notifier.messages.store import delete_subjects
from notifier.messages.tables import BODY, ENVELOPE
from notifier.meters import Meters
from notifier.peers import resolve_contacts, resolve_titles
from notifier.sending import rules, store
from notifier.sending.drafting import Draft, House, draft
from notifier.sending.mail import Mail, MailGateway
from notifier.sending.rules import OUTAGE_WAITS, Job, Outcome, Withheld
from notifier.sending.sms import Sms, SmsGateway
from notifier.settings import NotifierSettings

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=10)
HAND_OVER_SECONDS = 300.0
WRITE_SECONDS = 240.0
NOT_REPORTED = Outcome("retry", "not-reported")


class Sender:
    """Empties the queue, a batch at a time."""

    def __init__(
        self, runtime: Runtime, settings: NotifierSettings, houses: Mapping[str, House], meters: Meters
    ) -> None:
        """Send as `settings` say and each agency's rules allow."""
        self._runtime = runtime
        self._settings = settings
        self._houses = houses
        self._meters = meters
        self._mail = MailGateway(settings)
        self._sms = SmsGateway(settings)
        self._stopping = asyncio.Event()

    async def send_waiting(self) -> int:
        """Send one batch of what waits and return how many messages came to an end."""
        taken = await store.take(self._runtime.database, self._settings.send_batch, LEASE)
        if not taken:
            return 0
        self._stopping.clear()
        if resumed := sum(was_in_hand for _, was_in_hand in taken):
            self._meters.resumed.inc(resumed)
            log.warning("messages_resumed", count=resumed)
        work = asyncio.create_task(self._send([job for job, _ in taken]))  # noqa: RUF006  awaited below in either case
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            self._stopping.set()
            await work
            raise

    async def _send(self, jobs: Sequence[Job]) -> int:
        clients = self._runtime.clients
        try:
            contacts, titles = await asyncio.gather(
                resolve_contacts(clients, {job.patron_id for job in jobs}),
                resolve_titles(clients, {record for job in jobs for record in job.subjects}),
            )
        except PeerError as error:
            log.warning("peer_away", reason=str(error))
            return await self._put_off(jobs, Outcome("outage", "peer-unreachable"))
        drafts: list[Draft] = []
        withheld: list[tuple[Job, Withheld]] = []
        for job in jobs:
            result = draft(job, contacts.get(job.patron_id), titles, self._houses[job.agency])
            if isinstance(result, Withheld):
                withheld.append((job, result))
            else:
                drafts.extend(result)
        try:
            keys = await self._make_keys(drafts)
        except OSError as error:
            log.warning("keys_away", kind=type(error).__name__)
            return await self._put_off(jobs, Outcome("outage", "keys-away"))
        gone: set[int] = set()
        await self._write(lambda tx: self._begin(tx, drafts, withheld, gone))
        drafts = [one for one in drafts if one.job.message_id not in gone and one.original not in gone]
        outcomes = await self._hand_over(drafts)
        sealed = {
            one.job.message_id: _sealed(one, *keys[one.job.message_id])
            for one in drafts
            if outcomes[one.job.message_id].result == "sent"
        }
        await self._write(lambda tx: self._end(tx, drafts, outcomes, sealed))
        ended = [outcome for outcome in outcomes.values() if outcome.result in {"sent", "failed"}]
        return len(withheld) + len(ended)

    async def _put_off(self, jobs: Sequence[Job], outage: Outcome) -> int:
        await self._write(lambda tx: self._postpone(tx, [(job, outage) for job in jobs], begun=False))
        return 0

    async def _make_keys(self, drafts: Sequence[Draft]) -> dict[int, tuple[Place, bytes]]:
        """Return a new key for the body of each draft: before the hand-over, for what is handed over must be kept."""
        if not drafts:
            return {}
        keys = await keys_of(self._runtime)
        today = self._runtime.clock.now().astimezone(UTC).date()
        made = await keys.make(today, len(drafts))
        return {one.job.message_id: key for one, key in zip(drafts, made, strict=True)}

    async def _write(self, write: Callable[[Transaction], Awaitable[None]]) -> None:
        """Commit `write`, trying again while the database is away: what was handed over must not be forgotten."""
        until = time.monotonic() + WRITE_SECONDS
        waited = 0.05
        while True:
            try:
                async with self._runtime.database.transaction() as tx:
                    await write(tx)
            except RETRYABLE:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(waited)
                waited = min(5.0, waited * 2)
            else:
                return

    async def _begin(
        self, tx: Transaction, drafts: Sequence[Draft], withheld: Sequence[tuple[Job, Withheld]], gone: set[int]
    ) -> None:
        firsts = [one for one in drafts if one.original is None]
        asked = [one.job.message_id for one in firsts] + [job.message_id for job, _ in withheld]
        present = await store.lock(tx, asked)
        gone.clear()
        gone.update(set(asked) - present)
        siblings = [(one.original, one.job) for one in drafts if one.original is not None and one.original in present]
        if siblings:
            await store.add_siblings(tx, siblings, LEASE)
        await store.begin(
            tx, [(one.job, one.language) for one in drafts if (one.original or one.job.message_id) in present]
        )
        await self._end_withheld(tx, [(job, why) for job, why in withheld if job.message_id in present])

    async def _end_withheld(self, tx: Transaction, withheld: Sequence[tuple[Job, Withheld]]) -> None:
        unknown = [job.message_id for job, why in withheld if why.state == "unknown"]
        ended = [(job, why) for job, why in withheld if why.state != "unknown"]
        await drop_messages(tx, unknown)
        await delete_subjects(tx, [job.message_id for job, _ in ended])
        await store.finish(tx, [(job.message_id, why.state, why.reason, None) for job, why in ended])
        for job, why in ended:
            event = MessageFailed if why.state == "failed" else MessageSuppressed
            channel = job.channel or "none"
            clocks = self._envelope_clock(job, job.created_at)
            tx.record(
                job.agency,
                job.message_id,
                event(patron_id=job.patron_id, kind=job.kind, channel=channel, reason=why.reason, clocks=clocks),
            )
            self._meters.messages.labels(job.kind, channel, why.state).inc()

    async def _hand_over(self, drafts: Sequence[Draft]) -> dict[int, Outcome]:
        outcomes: dict[int, Outcome] = {one.job.message_id: NOT_REPORTED for one in drafts}
        mails = [self._mail_of(one) for one in drafts if one.address.channel == "email"]
        texts = [self._sms_of(one) for one in drafts if one.address.channel == "sms"]
        deadline = time.monotonic() + HAND_OVER_SECONDS

        def may_begin() -> bool:
            return time.monotonic() < deadline and not self._stopping.is_set()

        ends = await asyncio.gather(
            self._mail.send(mails, outcomes.__setitem__, may_begin),
            self._sms.send(texts, outcomes.__setitem__, may_begin),
            return_exceptions=True,
        )
        for end in ends:
            if isinstance(end, BaseException):
                log.error("gateway_failed", kind=type(end).__name__)
        return outcomes

    def _mail_of(self, one: Draft) -> Mail:
        house = self._houses[one.job.agency]
        return Mail(
            message_id=one.job.message_id,
            sender=house.rules.mail_from,
            sender_name=house.identity.name,
            recipient=one.address.value,
            language=one.language,
            subject=one.text.subject,
            body=one.text.body,
            date=self._runtime.clock.now(),
        )

    def _sms_of(self, one: Draft) -> Sms:
        sender = self._houses[one.job.agency].rules.sms_from
        return Sms(one.job.message_id, sender, one.address.value, one.text.body)

    async def _end(
        self,
        tx: Transaction,
        drafts: Sequence[Draft],
        outcomes: Mapping[int, Outcome],
        sealed: Mapping[int, tuple[Place, bytes]],
    ) -> None:
        present = await store.lock(tx, [one.job.message_id for one in drafts])
        results = [
            (one, rules.after(one.job, outcomes[one.job.message_id], tx.now))
            for one in drafts
            if one.job.message_id in present
        ]
        await self._end_sent(tx, [one for one, outcome in results if outcome.result == "sent"], sealed)
        await self._end_withheld(
            tx,
            [(one.job, Withheld("failed", outcome.reason)) for one, outcome in results if outcome.result == "failed"],
        )
        again = [(one.job, outcome) for one, outcome in results if outcome.result in {"retry", "outage"}]
        await self._postpone(tx, again, begun=True)

    async def _end_sent(
        self, tx: Transaction, sent: Sequence[Draft], sealed: Mapping[int, tuple[Place, bytes]]
    ) -> None:
        if not sent:
            return
        present = await store.lock_subjects(tx, [one.job.message_id for one in sent])
        kept = [one for one in sent if one.speaks_of <= present.get(one.job.message_id, set())]
        taken = {one.job.message_id for one in sent} - {one.job.message_id for one in kept}
        unspoken = [
            (one.job.message_id, record)
            for one in kept
            for record in present.get(one.job.message_id, set()) - one.speaks_of
        ]
        await delete_subjects(tx, sorted(taken))
        await store.drop_subjects(tx, unspoken)
        await store.keep_bodies(
            tx, [(one.job.message_id, one.job.agency, *sealed[one.job.message_id]) for one in kept], tx.now
        )
        await store.finish(tx, [(one.job.message_id, "sent", None, tx.now) for one in sent])
        for one in sent:
            job, channel = one.job, one.address.channel
            is_taken = job.message_id in taken
            body = RecordClock(record_class=BODY, record_id=job.message_id, version=store.BODY_VERSION, anchor=tx.now)
            erasure = Erasure(record_class=BODY, record_ids=[job.message_id], action="redact")
            tx.record(
                job.agency,
                job.message_id,
                MessageSent(
                    patron_id=job.patron_id,
                    kind=job.kind,
                    channel=channel,
                    clocks=[*([] if is_taken else [body]), *self._envelope_clock(job, tx.now)],
                    erased=[erasure] if is_taken else [],
                ),
            )
            self._meters.messages.labels(job.kind, channel, "sent").inc()

    async def _postpone(self, tx: Transaction, again: Sequence[tuple[Job, Outcome]], *, begun: bool) -> None:
        rows = []
        for job, outcome in again:
            is_outage = outcome.result == "outage"
            failures = job.outages + 1 if is_outage else job.attempts
            first, longest = OUTAGE_WAITS if is_outage else (self._settings.retry_seconds, float("inf"))
            wait = rules.wait_seconds(failures, first, longest)
            rows.append((job.message_id, wait, is_outage, outcome.reason))
        if rows:
            await store.postpone(tx, rows, begun=begun)

    def _envelope_clock(self, job: Job, anchor: object) -> list[RecordClock]:
        """Return the clock of the overview line, where the agency caps the overview (R59)."""
        if ENVELOPE not in self._runtime.agencies[job.agency].retention:
            return []
        return [
            RecordClock.model_validate(
                {
                    "record_class": ENVELOPE,
                    "record_id": job.message_id,
                    "version": store.ENVELOPE_VERSION,
                    "anchor": anchor,
                }
            )
        ]


def _sealed(one: Draft, place: Place, key: bytes) -> tuple[Place, bytes]:
    return place, seal(key, one.job.message_id, one.text.subject, one.text.body)
