"""A small story at two libraries, told by hand, and what a faultless suite would show at its end.

A: debts go whole. K: debts keep their amount. All periods are 30 days but for notes. Steps of the clock are one hour; T is day 0.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.proving.oracle.observation import (
    DatedRow,
    DebtRow,
    Line,
    LoanRow,
    MessageRow,
    Observation,
    PatronRow,
    ReservationRow,
)
from tests.proving.oracle.promises import Promises

T = datetime(2026, 9, 1, 10, tzinfo=UTC)
DAYS30 = timedelta(days=30)
A, K = "DK-000001", "DK-000002"
PERIODS = {
    "loan": DAYS30,
    "debt": DAYS30,
    "message-body": DAYS30,
    "internal-note": timedelta(days=90),
    "patron-note": timedelta(days=90),
    "absence": timedelta(),
    "lifted-block": DAYS30,
}
PROMISES = {
    A: Promises(A, "A", "loan", keeps_amounts=False, periods=PERIODS),
    K: Promises(K, "K", "loan", keeps_amounts=True, periods={**PERIODS, "debt-amount": timedelta(days=1096)}),
}
NOW = T + timedelta(days=60)


def at(days: float) -> datetime:
    return T + timedelta(days=days)


def iso(days: float) -> str:
    return at(days).isoformat()


def act(what: str, days: float, agency: str = A, **fields: Any) -> dict[str, Any]:
    return {"act": what, "at": iso(days), "agency": agency, **fields}


def lend(
    loan_id: int, days: float, agency: str = A, patron: int = 1, work: str = "w1", due: float = 28
) -> dict[str, Any]:
    return act(
        "lend",
        days,
        agency,
        loan_id=loan_id,
        patron_id=patron,
        item=f"i{loan_id}",
        work_id=work,
        branch="b",
        due_on=at(days + due).date().isoformat(),
    )


def give_back(
    loan_id: int, days: float, agency: str = A, debts: tuple[dict[str, Any], ...] = (), **more: Any
) -> dict[str, Any]:
    fields = {"returned_at": iso(days), "debts": list(debts), "ready": None, **more}
    return act("return", days, agency, loan_id=loan_id, **fields)


def fee(debt_id: int, loan_id: int, due: float, amount: int = 2000, cause: str = "overdue") -> dict[str, Any]:
    kind = "fee" if cause == "overdue" else "compensation"
    return {
        "debt_id": debt_id,
        "kind": kind,
        "cause": cause,
        "amount": amount,
        "due_on": at(due).date().isoformat(),
        "loans": [loan_id],
    }


def pay(order: str, days: float, amount: int, agency: str = A, patron: int = 1) -> dict[str, Any]:
    return act("pay", days, agency, order_id=order, patron_id=patron, amount=amount, debts=None)


def steps(until: float = 60) -> list[dict[str, Any]]:
    return [act("step", hour / 24) for hour in range(1, int(until * 24) + 1)]


def history() -> list[dict[str, Any]]:
    """1 was returned on day 5; 2 late on day 10, half paid on day 12, settled on day 20; 3 is open; 4 has an open debt (all at A).

    At K: 11 was late with a settled debt, 12 is lost and not paid for.
    """
    acts = [
        act(
            "register",
            0,
            patron_id=1,
            group="adult",
            home_branch="b",
            language="da",
            contacts=["old@x.dk", "+4520000001"],
        ),
        act("register", 0, K, patron_id=2, group="child", home_branch="b", language="da", contacts=["k@x.dk"]),
        lend(1, 0, work="w1"),
        lend(2, 0, work="w2", due=7),
        lend(3, 0, work="w3"),
        lend(4, 0, work="w4", due=7),
        lend(11, 0, K, patron=2, work="w1", due=7),
        lend(12, 0, K, patron=2, work="w2"),
        act("reserve", 1, reservation_id=31, patron_id=1, work_id="w8", expires_on="2027-09-01"),
        act("reserve", 1, reservation_id=32, patron_id=1, work_id="w9", expires_on="2027-09-01"),
        act("reserve", 1, reservation_id=33, patron_id=1, work_id="w7", expires_on="2026-09-20"),
        act("write", 1, record_class="internal-note", record_id=41, patron_id=1, kind="internal", anchor=iso(1)),
        act("write", 1, record_class="absence", record_id=42, patron_id=1, kind="absence", anchor=iso(15)),
        act("write", 1, record_class="lifted-block", record_id=43, patron_id=1, kind="X", anchor=None),
        act("write", 2, record_class="lifted-block", record_id=43, patron_id=1, kind="X", anchor=iso(2)),
        act("cancel", 3, reservation_id=32),
        act("contacts", 4, patron_id=1, contacts=["new@x.dk", "+4520000001"]),
        give_back(1, 5),
        give_back(2, 10, debts=(fee(21, 2, 7),)),
        give_back(4, 10, debts=(fee(22, 4, 7, 500),)),
        give_back(11, 10, K, debts=(fee(23, 11, 7),)),
        act("lose", 11, K, loan_id=12, cause="lost", debts=[fee(24, 12, 28, 30000, "lost")]),
        pay("o1", 12, 1000),
        pay("o2", 12, 2000, K, 2),
        act("waive", 20, debt_id=21, amount=1000),
        act("mail", 6, message_id=51),
        act("mail", 7, message_id=52),
        act("mail", 50, message_id=53),
    ]
    return sorted([*acts, *steps()], key=lambda one: one["at"])


def line(record_class: str, record_id: int, days: float, agency: str = A, outcome: str = "erased") -> Line:
    return Line(agency, record_class, record_id, outcome, at(days))


def loan_row(loan_id: int, agency: str = A, patron: int = 1, work: str = "w1", due: float = 28, **more: Any) -> LoanRow:
    row = LoanRow(agency, patron, f"i{loan_id}", work, "b", T, at(due).date(), 0, None, None)
    return replace(row, **more)


def debt_row(
    kind: str, cause: str, amount: int, balance: int, agency: str = A, patron: int = 1, **more: Any
) -> DebtRow:
    row = DebtRow(agency, patron, kind, cause, amount, balance, at(10), None, None, balance, frozenset())
    return replace(row, **more)


def seen() -> Observation:
    """What a faultless suite shows on day 60."""
    end_of_20_september = datetime(2026, 9, 20, 22, tzinfo=UTC)
    expired = (end_of_20_september - T) / timedelta(days=1)
    return Observation(
        now=NOW,
        register=[
            line("loan", 1, 35),
            line("loan", 2, 50),
            line("loan", 11, 42, K),
            line("debt", 21, 50),
            line("debt", 23, 42, K, "redacted"),
            line("reservation", 32, 3),
            line("reservation", 33, expired),
            line("absence", 42, 15),
            line("lifted-block", 43, 32),
            line("message-body", 51, 35, outcome="redacted"),
            line("message-body", 52, 37, outcome="redacted"),
        ],
        loans={
            3: loan_row(3, work="w3"),
            4: loan_row(4, work="w4", due=7, returned_at=at(10)),
            12: loan_row(12, K, 2, "w2", returned_at=at(11), closed_as="lost"),
        },
        debts={
            22: debt_row("fee", "overdue", 500, 500, due_on=at(7).date(), loans=frozenset({4})),
            23: debt_row("fee", "redacted", 2000, 0, K, 2, settled_at=at(12)),
            24: debt_row(
                "compensation",
                "lost",
                30000,
                30000,
                K,
                2,
                raised_at=at(11),
                due_on=date(2026, 9, 29),
                loans=frozenset({12}),
            ),
        },
        reservations={31: ReservationRow(A, 1, "w8")},
        messages={
            51: MessageRow(A, 1, "receipt", "email", "sent", at(6)),
            52: MessageRow(A, 1, "due-soon", "email", "sent", at(7)),
            53: MessageRow(A, 1, "overdue", "email", "sent", at(50)),
        },
        bodies={53: at(50)},
        spoken_of={51: {("loan", 1)}, 52: {("loan", 3)}, 53: {("loan", 3)}},
        patrons={1: PatronRow(A, "adult", "b", "da"), 2: PatronRow(K, "child", "b", "da")},
        contacts={1: {"new@x.dk", "+4520000001"}, 2: {"k@x.dk"}},
        notes={41: DatedRow(A, 1, "internal", at(1))},
        totals={(A, "fee"): 500, (K, "fee"): 0, (K, "compensation"): 30000},
    )
