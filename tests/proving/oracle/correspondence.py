"""The judgement of messages: the body is erased, with the records that it is about if that is sooner (R58, H91); the overview stays (R59)."""

from datetime import datetime

from tests.proving.oracle.bench import Bench
from tests.proving.oracle.observation import MessageRow, Record
from tests.proving.oracle.records import Fate

BODY = "message-body"
DELIVERED = "sent"


def judge_messages(bench: Bench) -> None:
    """Judge every message that was sent: by the overview, by what was delivered, and by what the register says of bodies."""
    seen = bench.seen
    ends = ended_records(bench)
    endings: dict[int, set[datetime]] = {}
    for key, (patron_id, _) in ends.items():
        line = bench.lines.get(key)
        if line is not None:
            endings.setdefault(patron_id, set()).add(line.done_at)
    for message_id, row in seen.messages.items():
        if row.state == DELIVERED and row.sent_at is not None:
            _judge_body(bench, message_id, row, row.sent_at, ends, endings.get(row.patron_id, set()))
        elif message_id in seen.bodies:
            bench.find("wrong", row.agency, BODY, message_id, "a body of a message that was not sent")
    for message_id in seen.bodies.keys() - seen.messages.keys():
        bench.find("wrong", "*", BODY, message_id, "a body without its line in the overview")
    named = {key[1]: line.agency for key, line in bench.lines.items() if key[0] == BODY}
    for message_id in {*bench.life.mails, *named} - seen.messages.keys():
        bench.find("wrong", named.get(message_id, "*"), BODY, message_id, "its line in the overview is missing")


def ended_records(bench: Bench) -> dict[Record, tuple[int, datetime]]:
    """Return for every record that a message may be about and that has had to go: its patron and when."""
    life, now = bench.life, bench.seen.now
    found: dict[Record, tuple[int, datetime]] = {}
    for loan in life.loans.values():
        if loan.fate.gone_at is not None and loan.fate.gone_at <= now:
            found["loan", loan.loan_id] = (loan.patron_id, loan.fate.gone_at)
    for debt in life.debts.values():
        if debt.fate.gone_at is not None and debt.fate.gone_at <= now:
            found["debt", debt.debt_id] = (debt.patron_id, debt.fate.gone_at)
    for reservation in life.reservations.values():
        if reservation.ended_at is not None and reservation.ended_at <= now:
            found["reservation", reservation.reservation_id] = (reservation.patron_id, reservation.ended_at)
    return found


def _judge_body(
    bench: Bench,
    message_id: int,
    row: MessageRow,
    sent_at: datetime,
    ends: dict[Record, tuple[int, datetime]],
    endings: set[datetime],
) -> None:
    """Judge one body.

    We know which records a deleted message was about only if it was read earlier. Otherwise any ending of the patron's records
    explains why it went before its time: at the same instant, or at the step before, because an event may arrive after the clock
    has moved on.
    """
    fate = Fate(anchor=sent_at, touched=sent_at)
    fate.is_due(bench.seen.now, bench.life.period(row.agency, BODY))
    spoken = bench.seen.spoken_of.get(message_id)
    line = bench.line(BODY, message_id)
    ended = min((ends[record][1] for record in spoken or () if record in ends), default=None)
    if spoken is None and line is not None:
        ended_before = [end for end in endings if end <= line.done_at <= (bench.gone_by(end, end) or line.done_at)]
        ended = max(ended_before, default=None)
    if ended is not None and (fate.gone_at is None or ended < fate.gone_at):
        fate.gone_at = max(ended, sent_at)
        # The event of it may arrive at once, or when the clock has moved on.
        fate.touched = None if line is not None and line.done_at == fate.gone_at else fate.gone_at
    kept = bench.judge(BODY, message_id, row.agency, fate, is_there=message_id in bench.seen.bodies)
    if kept and bench.seen.bodies[message_id] != sent_at:
        bench.find("wrong", row.agency, BODY, message_id, "the body and the overview tell different times")
