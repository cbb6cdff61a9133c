"""The stories again, with something taken away in the middle: nothing is lost, early, or done twice."""

from datetime import timedelta

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from .library import Library, Patron
from .suites import AnySuite, DistributedSuite

DAY = timedelta(days=1)
SERVICES = ("patron-api", "loan-api", "notifier", "retention-worker")


async def kill_and_start(suite: AnySuite, service: str) -> None:
    await suite.kill(service)
    await suite.start(service)


class Life:
    """A loan's life in steps, each of which may be followed by a death."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.patron: Patron
        self.loan_id = self.bystander_id = self.debt_id = 0
        self.item = self.other = ""

    async def begin(self) -> None:
        self.patron = await self.library.register()
        self.item, self.other = await self.library.import_works(2)

    async def borrow(self) -> None:
        self.loan_id = (await self.library.check_out(self.patron, self.item, receipt=True))["loan_id"]
        self.bystander_id = (await self.library.check_out(self.patron, self.other))["loan_id"]

    async def be_told(self) -> None:
        """Wait until every message to the patron has ended; each that was sent arrived as one mail."""

        async def ended():
            lines = await self.library.messages(self.patron)
            return lines if lines and all(line["state"] in {"sent", "failed", "suppressed"} for line in lines) else None

        lines = await self.library.eventually(ended, "every message is sent or given up")
        sent = [line for line in lines if line["state"] == "sent" and line["channel"] == "email"]
        mails = {mail.message_id for mail in self.library.suite.mail.newest if mail.recipient == self.patron.email}
        assert len(mails) == len(sent) >= 1

    async def return_late(self) -> None:
        await self.library.suite.travel(33 * DAY)
        [debt] = (await self.library.check_in(self.item))["debts"]
        self.debt_id = debt["debt_id"]

    async def pay(self) -> None:
        debt = (await self.library.debts(self.patron))["balance"]
        order = {"order_id": f"life-{self.loan_id}", "patron_id": self.patron.patron_id, "amount": debt}
        await self.library.ask("POST", "loan-api", "/payments", "librarian", order)

    async def wait(self) -> None:
        await self.library.suite.travel(29 * DAY)
        assert self.loan_id not in await self.library.registered("loan"), "erased early"

    async def fall_due(self) -> None:
        await self.library.suite.travel(DAY + timedelta(seconds=5))

    async def end(self) -> None:
        line = await self.library.gone("loan", self.loan_id)
        assert line["due_at"] <= line["done_at"]
        await self.library.gone("debt", self.debt_id)
        assert not await self.library.rows("loan-api", "SELECT 1 FROM loan WHERE loan_id = $1", self.loan_id)
        kept = await self.library.rows("loan-api", "SELECT returned_at FROM loan WHERE loan_id = $1", self.bystander_id)
        assert [row["returned_at"] for row in kept] == [None], "the bystander was touched"
        entries = await self.library.rows(
            "retention-worker",
            "SELECT count(*) FROM register WHERE record_class = 'loan' AND record_id = $1",
            self.loan_id,
        )
        assert entries[0]["count"] == 1
        await self.be_told()
        await self.library.check_in(self.other)


STEPS = ("borrow", "be_told", "return_late", "pay", "wait", "fall_due")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("victim", SERVICES)
async def test_each_process_killed_after_each_step(struer: Library, victim: str):
    if struer.suite.mode == "embedded" and victim != "loan-api":
        pytest.skip("one process: killing it once stands for all")
    life = Life(struer)
    await life.begin()
    for step in STEPS:
        await getattr(life, step)()
        await kill_and_start(struer.suite, victim)
    await life.end()


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_the_broker_away_and_back(suite: AnySuite, struer: Library):
    if not isinstance(suite, DistributedSuite):
        pytest.skip("no broker in the embedded mode")
    before, third = Life(struer), Life(struer)
    for step in ("begin", "borrow", "be_told", "return_late", "pay"):
        await getattr(before, step)()

    async def clock_known():
        known = await struer.rows("retention-worker", "SELECT anchor FROM clock WHERE record_id = $1", before.loan_id)
        return known and known[0]["anchor"] is not None

    await struer.eventually(clock_known, "the worker has the clock")
    await suite.inner.broker.kill()
    try:
        await before.wait()
        await before.fall_due()
        await before.end()
        await third.begin()
        await third.borrow()
    finally:
        await suite.inner.broker.restart()
    for step in ("be_told", "return_late", "pay", "wait", "fall_due", "end"):
        await getattr(third, step)()


async def test_events_twice_and_out_of_order_change_nothing(suite: AnySuite, struer: Library):
    life = Life(struer)
    await life.begin()
    await life.borrow()
    await life.be_told()
    await life.return_late()
    await life.pay()
    payloads = [
        (row["topic"], row["key"], row["payload"])
        for row in await struer.rows("loan-api", "SELECT topic, key, payload FROM outbox ORDER BY seq")
    ]
    mine = [message for message in payloads if str(life.loan_id).encode() in message[2]]
    assert len(mine) >= 3

    async def all_sent():
        unsent = await struer.rows("loan-api", "SELECT 1 FROM outbox WHERE published_at IS NULL")
        return not unsent

    await struer.eventually(all_sent, "the outbox is sent")
    await send_again(suite, struer, list(reversed(mine)) * 2)
    await life.wait()
    await life.fall_due()
    await life.end()
    await send_again(suite, struer, mine)
    await struer.eventually(all_sent, "the outbox is sent again")
    assert not await struer.rows("retention-worker", "SELECT 1 FROM clock WHERE record_id = $1", life.loan_id)
    await life.be_told()


async def send_again(suite: AnySuite, library: Library, messages: list[tuple[str, str, bytes]]) -> None:
    """Bring events a second time: by a foreign producer on Kafka, or as unsent rows of the outbox."""
    if isinstance(suite, DistributedSuite):
        producer = AIOKafkaProducer(bootstrap_servers=suite.inner.broker.bootstrap)
        await producer.start()
        for topic, key, value in messages:
            await producer.send_and_wait(topic, value, key=key.encode())
        await producer.stop()
        return
    for topic, key, value in messages:
        await library.rows(
            "loan-api", "INSERT INTO outbox (topic, key, payload) VALUES ($1, $2, $3) RETURNING seq", topic, key, value
        )


async def test_a_malformed_event_goes_to_the_dead_letters_and_stops_nobody(suite: AnySuite, struer: Library):
    await send_again(suite, struer, [("glem.loans", "1", b"{not json"), ("glem.debts", "2", b'{"type": "Nonsense"}')])

    async def put_aside():
        rows = await struer.rows("retention-worker", "SELECT 1 FROM outbox WHERE topic = 'glem.dead-letters'")
        return len(rows) >= 2

    await struer.eventually(put_aside, "both are dead letters of the worker")
    life = Life(struer)
    await life.begin()
    for step in STEPS:
        await getattr(life, step)()
    await life.end()


async def test_any_kafka_client_reads_the_stream(suite: AnySuite):
    if not isinstance(suite, DistributedSuite):
        pytest.skip("no broker in the embedded mode")
    consumer = AIOKafkaConsumer(
        "glem.loans", bootstrap_servers=suite.inner.broker.bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        batches = await consumer.getmany(timeout_ms=10_000, max_records=100)
        values = [record.value for records in batches.values() for record in records]
        assert any(b'"specversion":"1.0"' in value and b'"type":"LoanOpened"' in value for value in values)
    finally:
        await consumer.stop()
