"""The judge finds nothing in a faultless suite, and exactly the planted fault in any other."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.proving.oracle import judge
from tests.proving.oracle.observation import DatedRow, MessageRow, ReservationRow
from tests.proving.oracle.story import NOW, PROMISES, A, K, at, debt_row, history, line, loan_row, seen

if TYPE_CHECKING:
    from tests.proving.oracle import Observation

Fault = "Callable[[Observation], None]"


def test_a_faultless_suite_is_clean():
    judgement = judge(history(), PROMISES, seen())

    assert [str(finding) for finding in judgement.findings] == []
    assert judgement.judged > 20
    assert judgement.gone_late(A).records == 9
    assert judgement.gone_late(A).longest == timedelta()


def without(register, record_class, record_id):
    return [one for one in register if (one.record_class, one.record_id) != (record_class, record_id)]


def moved(days, record_class, record_id):
    def plant(seen: Observation) -> None:
        seen.register = [
            replace(one, done_at=one.done_at + timedelta(days=days))
            if (one.record_class, one.record_id) == (record_class, record_id)
            else one
            for one in seen.register
        ]

    return plant


def kept(table, record_id, row):
    """The record is still there, and the register does not know it."""

    def plant(seen: Observation) -> None:
        record_class = {"loans": "loan", "debts": "debt", "reservations": "reservation", "bodies": "message-body"}[
            table
        ]
        seen.register = without(seen.register, record_class, record_id)
        setattr(seen, table, {**getattr(seen, table), record_id: row})

    return plant


def gone(table, record_id):
    def plant(seen: Observation) -> None:
        setattr(seen, table, {key: row for key, row in getattr(seen, table).items() if key != record_id})

    return plant


def changed(table, record_id, **fields):
    def plant(seen: Observation) -> None:
        rows = getattr(seen, table)
        setattr(seen, table, {**rows, record_id: replace(rows[record_id], **fields)})

    return plant


def put(**fields):
    def plant(seen: Observation) -> None:
        for name, value in fields.items():
            setattr(seen, name, value)

    return plant


def unregistered(record_class, record_id):
    def plant(seen: Observation) -> None:
        seen.register = without(seen.register, record_class, record_id)

    return plant


def registered(*lines):
    def plant(seen: Observation) -> None:
        seen.register = [*seen.register, *lines]

    return plant


FAULTS = {
    "a loan went a second early": (moved(-1 / 86400, "loan", 1), "early", "loan", 1),
    "a loan went 30 days after its return, with its debt settled later": (moved(-10, "loan", 2), "early", "loan", 2),
    "a loan went late": (moved(1, "loan", 1), "missed", "loan", 1),
    "an open loan is gone": (gone("loans", 3), "early", "loan", 3),
    "a loan with an open debt is gone": (gone("loans", 4), "early", "loan", 4),
    "a loan is in the register before it is due": (
        lambda s: (gone("loans", 4)(s), registered(line("loan", 4, 40))(s)),
        "early",
        "loan",
        4,
    ),
    "a due loan is still there": (kept("loans", 1, loan_row(1, returned_at=at(5))), "missed", "loan", 1),
    "a loan is gone without a line": (unregistered("loan", 1), "missed", "loan", 1),
    "a loan is registered and still there": (
        lambda s: put(loans={**s.loans, 1: loan_row(1, returned_at=at(5))})(s),
        "missed",
        "loan",
        1,
    ),
    "a loan is in the register twice": (registered(line("loan", 1, 35)), "wrong", "loan", 1),
    "a kept loan has another due date": (changed("loans", 3, due_on=at(29).date()), "wrong", "loan", 3),
    "a kept loan is another patron's": (changed("loans", 3, patron_id=2), "wrong", "loan", 3),
    "a loan came from nowhere": (
        lambda s: put(loans={**s.loans, 99: loan_row(99)})(s),
        "wrong",
        "loan",
        99,
    ),
    "a debt went early": (moved(-1, "debt", 21), "early", "debt", 21),
    "an open debt is gone": (
        lambda s: (gone("debts", 22)(s), put(totals={**s.totals, (A, "fee"): 500})(s)),
        "early",
        "debt",
        22,
    ),
    "a settled debt is still there": (
        kept("debts", 21, debt_row("fee", "overdue", 2000, 0, settled_at=at(20), loans=frozenset({2}))),
        "missed",
        "debt",
        21,
    ),
    "the amount of a redacted debt changed": (changed("debts", 23, amount=1), "wrong", "debt", 23),
    "the amount of an open debt changed": (changed("debts", 22, balance=400), "wrong", "debt", 22),
    "a redacted debt still leads to its loan": (changed("debts", 23, loans=frozenset({11})), "wrong", "debt", 23),
    "material of a due debt is still there": (
        lambda s: (unregistered("debt", 23)(s), changed("debts", 23, cause="overdue", loans=frozenset({11}))(s)),
        "missed",
        "debt",
        23,
    ),
    "a redacted debt is gone altogether": (gone("debts", 23), "early", "debt-amount", 23),
    "material went from an open debt": (
        changed("debts", 24, cause="redacted", due_on=None, loans=frozenset()),
        "early",
        "debt",
        24,
    ),
    "rows of an erased debt are left": (put(orphans=["debt_entry: 1"]), "wrong", "debt", 0),
    "the ledger does not add up": (
        lambda s: put(totals={**s.totals, (A, "fee"): 499})(s),
        "wrong",
        "debt",
        0,
    ),
    "a waiting reservation is gone": (gone("reservations", 31), "early", "reservation", 31),
    "a cancelled reservation is there": (
        kept("reservations", 32, ReservationRow(A, 1, "w9")),
        "missed",
        "reservation",
        32,
    ),
    "a cancelled reservation went an hour later": (moved(1 / 24, "reservation", 32), "missed", "reservation", 32),
    "an expired reservation went early": (moved(-1, "reservation", 33), "early", "reservation", 33),
    "a reservation is for another work": (changed("reservations", 31, work_id="w0"), "wrong", "reservation", 31),
    "a body outlives its loan": (kept("bodies", 51, at(6)), "missed", "message-body", 51),
    "a body outlives its period": (kept("bodies", 52, at(7)), "missed", "message-body", 52),
    "a body went with nothing to take it": (moved(-1, "message-body", 52), "early", "message-body", 52),
    "a fresh body is gone": (gone("bodies", 53), "early", "message-body", 53),
    "an overview line is missing": (gone("messages", 52), "wrong", "message-body", 52),
    "an old e-mail address is in the outbox": (
        put(traces={"old@x.dk": ["patron-api.outbox"]}),
        "wrong",
        "contact",
        1,
    ),
    "a present phone number is gone": (
        lambda s: put(contacts={**s.contacts, 1: {"new@x.dk"}})(s),
        "wrong",
        "contact",
        1,
    ),
    "an old address is still in its place": (
        lambda s: put(contacts={**s.contacts, 1: {"new@x.dk", "old@x.dk", "+4520000001"}})(s),
        "wrong",
        "contact",
        1,
    ),
    "a bystander's group changed": (changed("patrons", 2, group="adult"), "wrong", "patron", 2),
    "a patron is gone": (gone("patrons", 2), "wrong", "patron", 2),
    "a note went early": (put(notes={}), "early", "internal-note", 41),
    "a lifted block is still there": (
        lambda s: (unregistered("lifted-block", 43)(s), put(blocks={43: DatedRow(A, 1, "X", at(2))})(s)),
        "missed",
        "lifted-block",
        43,
    ),
    "an absence went before its end": (moved(-1, "absence", 42), "early", "absence", 42),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_nothing_else(fault):
    plant, kind, record_class, record_id = FAULTS[fault]
    observation = seen()
    plant(observation)

    findings = judge(history(), PROMISES, observation).findings

    assert [(one.kind, one.record_class, one.record_id) for one in findings] == [(kind, record_class, record_id)]


def test_a_fee_for_a_return_on_the_due_date_is_wrong():
    story = [
        {**one, "told_on": at(7).date().isoformat()} if one["act"] == "return" and one["loan_id"] == 4 else one
        for one in history()
    ]

    findings = judge(story, PROMISES, seen()).findings

    assert [(one.kind, one.record_class, one.record_id) for one in findings] == [("wrong", "debt", 22)]


def test_what_falls_due_between_two_steps_may_go_at_the_next():
    story = [one for one in history() if one["act"] != "step" or one["at"] <= at(34.9).isoformat()]
    observation = seen()
    observation.register = [line("loan", 1, 60)]

    findings = judge(story, PROMISES, observation).findings

    assert [one for one in findings if one.record_id == 1] == []


def test_where_any_debt_holds_a_patrons_loans_it_holds_those_that_are_paid_for_too():
    wide = {**PROMISES, A: replace(PROMISES[A], debts_hold="patron")}

    findings = judge(history(), wide, seen()).findings

    # Debt 22 is open: at such a library neither loan 1 nor loan 2 may go.
    assert {(one.kind, one.record_id) for one in findings if one.record_class == "loan"} == {("early", 1), ("early", 2)}


def test_the_present_is_the_last_step():
    observation = seen()
    observation.now = NOW + timedelta(minutes=1)

    assert judge(history(), PROMISES, observation).is_clean
    assert K in PROMISES


@pytest.mark.parametrize(("hours", "found"), [(0, []), (1, []), (2, ["early"])])
def test_an_ending_explains_an_unread_body_that_went_with_it_or_at_the_next_step(hours: int, found: list[str]):
    suite = seen()
    suite.messages = {**suite.messages, 54: MessageRow(A, 1, "reservation-ready", "email", "sent", at(2.9))}
    suite.register = [*suite.register, line("message-body", 54, 3 + hours / 24, outcome="redacted")]

    findings = judge(history(), PROMISES, suite).findings

    assert [finding.kind for finding in findings if finding.record_id == 54] == found
