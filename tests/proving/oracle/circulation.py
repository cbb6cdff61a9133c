"""The judgement of loans, debts and reservations."""

from tests.proving.oracle.bench import Bench
from tests.proving.oracle.observation import DebtRow
from tests.proving.oracle.records import Debt, Fate


def judge_loans(bench: Bench) -> None:
    """Judge every loan of the history, and look for others."""
    rows = bench.seen.loans
    for loan in bench.life.loans.values():
        row = rows.get(loan.loan_id)
        kept = bench.judge("loan", loan.loan_id, loan.agency, loan.fate, is_there=row is not None)
        if kept and row is not None:
            expected = {
                "patron_id": loan.patron_id,
                "item": loan.item,
                "work_id": loan.work_id,
                "branch": loan.branch,
                "loaned_at": loan.opened_at,
                "due_on": loan.due_on,
                "renewals": loan.renewals,
                "returned_at": loan.returned_at,
                "closed_as": loan.closed_as,
            }
            bench.compare("loan", loan.loan_id, loan.agency, expected, row)
    bench.strangers("loan", {key: row.agency for key, row in rows.items()}, bench.life.loans)


def judge_debts(bench: Bench) -> None:
    """Judge every debt: whole ones by the record, those that keep their amount by the material first (R52, R53)."""
    rows = bench.seen.debts
    for debt in bench.life.debts.values():
        row = rows.get(debt.debt_id)
        if bench.life.promises[debt.agency].keeps_amounts:
            _judge_material(bench, debt, row)
        elif bench.judge("debt", debt.debt_id, debt.agency, debt.fate, is_there=row is not None) and row is not None:
            _compare(bench, debt, row, with_material=True)
    bench.strangers("debt", {key: row.agency for key, row in rows.items()}, bench.life.debts)
    for debt_id in sorted(bench.life.undeserved):
        bench.find("wrong", bench.life.debts[debt_id].agency, "debt", debt_id, "a fee for a return that was in time")
    _judge_ledger(bench)


def _judge_material(bench: Bench, debt: Debt, row: DebtRow | None) -> None:
    if bench.life.period(debt.agency, "debt-amount") is not None:
        is_whole = bench.judge("debt-amount", debt.debt_id, debt.agency, debt.amount_fate, is_there=row is not None)
        if not is_whole or row is None:
            return
    elif row is None:
        bench.find("wrong", debt.agency, "debt", debt.debt_id, "the amount is gone with the material")
        return
    has_material = bool(row.loans) or row.due_on is not None or row.cause == debt.cause
    if has_material and bench.line("debt", debt.debt_id) is not None:
        bench.find("wrong", debt.agency, "debt", debt.debt_id, "material is left on a redacted debt")
        has_material = False
    kept = bench.judge("debt", debt.debt_id, debt.agency, debt.fate, is_there=has_material)
    _compare(bench, debt, row, with_material=kept)


def _compare(bench: Bench, debt: Debt, row: DebtRow, *, with_material: bool) -> None:
    expected: dict[str, object] = {
        "patron_id": debt.patron_id,
        "kind": debt.kind,
        "amount": debt.amount,
        "balance": debt.balance,
        "raised_at": debt.raised_at,
        "settled_at": debt.settled_at,
        "entries": debt.balance,
    }
    if with_material:
        expected |= {"cause": debt.cause, "loans": debt.loans}
    bench.compare("debt", debt.debt_id, debt.agency, expected, row)


def _judge_ledger(bench: Bench) -> None:
    """Look for what erased debts left behind, and whether the figures of the erased ones still add up."""
    for what in bench.seen.orphans:
        bench.find("wrong", "*", "debt", 0, f"rows of debts that are gone: {what}")
    for (agency, kind), total in bench.seen.totals.items():
        expected = sum(debt.balance for debt in bench.life.debts.values() if (debt.agency, debt.kind) == (agency, kind))
        if total != expected:
            bench.find("wrong", agency, "debt", 0, f"the ledger of {kind} adds up to {total} øre, should be {expected}")


def judge_reservations(bench: Bench) -> None:
    """Judge every reservation: kept while it waits, gone at once with its end (R46, R47)."""
    rows = bench.seen.reservations
    for reservation in bench.life.reservations.values():
        row = rows.get(reservation.reservation_id)
        fate = Fate(gone_at=reservation.ended_at, at_once=reservation.ended_by_act)
        kept = bench.judge(
            "reservation", reservation.reservation_id, reservation.agency, fate, is_there=row is not None
        )
        if kept and row is not None:
            expected = {"patron_id": reservation.patron_id, "work_id": reservation.work_id}
            bench.compare("reservation", reservation.reservation_id, reservation.agency, expected, row)
    bench.strangers("reservation", {key: row.agency for key, row in rows.items()}, bench.life.reservations)
