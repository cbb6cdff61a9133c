"""The rules of debts: values and a time in, a value out. Amounts are in øre."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from glem.clock import COPENHAGEN, local_date
from glem.problems import Refusal
from glem_contracts.events.envelope import RecordClock
from glem_retention.agencies import Agencies
from loan_api.agency import FeeStep, LendingRules
from loan_api.debts.problems import DEBT_GONE, FEE_PAID, PAYMENT_OVER_DEBT, WAIVER_OVER_DEBT
from loan_api.debts.tables import REDACTED_CAUSE, DebtRow, EntryRow

DEBT, AMOUNT = "debt", "debt-amount"

Extent = Literal["whole", "amount", "gone"]


@dataclass(frozen=True, slots=True)
class Keeping:
    """What an agency's policies mean at one moment: an anchor at or before a cutoff is due; None is never.

    `redacts`: only the material goes when a debt is due (R52), else the whole record (R53).
    """

    redacts: bool
    material: datetime | None
    amount: datetime | None
    loans: datetime | None


def keeping(agencies: Agencies, agency: str, now: datetime) -> Keeping:
    """Return what the policies of `agency` mean at `now`."""
    policy = agencies.in_force(agency, DEBT, now)
    redacts = policy is not None and policy.action == "redact"
    return Keeping(redacts, *(agencies.cutoff(agency, name, now) for name in (DEBT, AMOUNT, "loan")))


def days_late(due_on: date, returned_at: datetime) -> int:
    """Return by how many Danish calendar days a return is late; 0 on the due date itself and before."""
    return max(0, (local_date(returned_at) - due_on).days)


def overdue_fee(
    lending: LendingRules, *, patron_group: str | None, age_band: int | None, due_on: date, returned_at: datetime
) -> int:
    """Return the fee for a return, by the price list and the age at this moment (R7, R55); 0 where none is due.

    A group without fees pays none (R16); an unknown age (an institution) is an adult's.
    """
    group = lending.groups.get(patron_group or "")
    late = days_late(due_on, returned_at)
    if late == 0 or (group is not None and not group.fees):
        return 0
    is_child = age_band is not None and age_band < lending.child_below
    return _price(lending.fees.child if is_child else lending.fees.adult, late)


def _price(steps: Sequence[FeeStep], late: int) -> int:
    return next(step.amount for step in steps if step.days is None or late <= step.days)


def accounting_year_end(moment: datetime) -> datetime:
    """Return the end of the Danish accounting year in which `moment` falls: 31 December, 24:00 in Copenhagen (R52)."""
    return datetime(local_date(moment).year + 1, 1, 1, tzinfo=COPENHAGEN).astimezone(UTC)


def last_settlement(cutoff: datetime) -> datetime:
    """Return the latest settlement whose accounting year ended at or before `cutoff`."""
    return datetime(local_date(cutoff).year, 1, 1, tzinfo=COPENHAGEN).astimezone(UTC) - timedelta(microseconds=1)


def material_anchor(debt: DebtRow) -> datetime | None:
    """Return from when the period of class `debt` runs, by the facts: the settlement, or None while something is owed."""
    return debt.settled_at if debt.balance == 0 else None


def redaction_anchor(debt: DebtRow) -> datetime | None:
    """Return from when the period of class `debt` runs where only the material goes; None also for what the register has.

    Material that a chargeback took away (it was due) has its anchor until the worker's order for it has come.
    """
    return debt.anchor if debt.redacted else material_anchor(debt)


def amount_anchor(debt: DebtRow) -> datetime | None:
    """Return from when the period of class `debt-amount` runs, by the facts: the end of the settlement's accounting year."""
    return accounting_year_end(debt.settled_at) if debt.balance == 0 and debt.settled_at is not None else None


def moved(debt: DebtRow, amount: int, kept: Keeping, now: datetime) -> DebtRow:
    """Return `debt` after an entry of `amount` (negative pays or waives).

    It is settled at the instant its balance reaches 0, by payment or waiver alike (H15, H17), and open again when a reversal
    leaves something owed (H13); either moves its clocks. A partial payment moves none. No entry moves the anchor of material
    that is away.
    """
    balance = debt.balance + amount
    settled_at = (debt.settled_at or now) if balance == 0 else None
    if settled_at == debt.settled_at:
        return replace(debt, balance=balance)
    counts_years = settled_at is not None and kept.redacts and kept.amount is not None
    return replace(
        debt,
        balance=balance,
        settled_at=settled_at,
        anchor=debt.anchor if kept.redacts and debt.redacted else settled_at,
        amount_anchor=accounting_year_end(settled_at) if settled_at is not None and counts_years else None,
        clock_version=debt.clock_version + 1,
    )


def clocks(debt: DebtRow, kept: Keeping) -> list[RecordClock]:
    """Return what an event says of the debt's retention.

    A redacted debt has a clock of class `debt` only until the register has it; class `debt-amount` counts only where the
    material goes first.
    """
    found = []
    if not (kept.redacts and debt.redacted and debt.anchor is None):
        found.append(_clock(DEBT, debt, debt.anchor))
    if kept.redacts and kept.amount is not None:
        found.append(_clock(AMOUNT, debt, debt.amount_anchor))
    return found


def _clock(record_class: str, debt: DebtRow, anchor: datetime | None) -> RecordClock:
    return RecordClock(record_class=record_class, record_id=debt.debt_id, version=debt.clock_version, anchor=anchor)


def extent(debt: DebtRow, kept: Keeping) -> Extent:
    """Say what of a debt may still be seen: what is due is treated as gone, erased or not."""
    if debt.settled_at is None:
        return "amount" if debt.redacted else "whole"
    is_past = kept.material is not None and debt.settled_at <= kept.material
    year_is_past = kept.amount is not None and accounting_year_end(debt.settled_at) <= kept.amount
    if (is_past and not kept.redacts) or (kept.redacts and year_is_past):
        return "gone"
    return "amount" if is_past or debt.redacted else "whole"


def without_material(debt: DebtRow) -> DebtRow:
    """Return `debt` with nothing left that leads back to an item: amount, dates and ledger stay (R52, H26)."""
    return replace(debt, cause=REDACTED_CAUSE, due_on=None, redacted=True)


def allocate(debts: Sequence[DebtRow], amount: int, named: Sequence[int] | None) -> list[tuple[DebtRow, int]] | Refusal:
    """Share a payment out over a patron's debts, oldest first, or over the named ones only; whole or not at all.

    Refuses with debt-gone when a named debt is not among `debts`, and payment-over-debt when more is paid than owed.
    """
    if named is not None and not set(named) <= {debt.debt_id for debt in debts}:
        return DEBT_GONE()
    payable = [debt for debt in debts if debt.balance > 0 and (named is None or debt.debt_id in named)]
    owed = sum(debt.balance for debt in payable)
    if amount > owed:
        return PAYMENT_OVER_DEBT(amount=amount, owed=owed)
    shares = []
    for debt in sorted(payable, key=lambda debt: (debt.raised_at, debt.debt_id)):
        share = min(debt.balance, amount)
        if share == 0:
            break
        shares.append((debt, share))
        amount -= share
    return shares


def waivable(debt: DebtRow, amount: int | None) -> int | Refusal:
    """Return what is to be waived of `debt`, by default all; refuses with waiver-over-debt, also when nothing is owed."""
    wanted = debt.balance if amount is None else amount
    return WAIVER_OVER_DEBT(owed=debt.balance) if wanted > debt.balance or wanted == 0 else wanted


def withdrawable(entries: Sequence[EntryRow]) -> Refusal | None:
    """Say whether an overdue fee with this ledger may be withdrawn: not once something of it is paid (fee-paid)."""
    by_order = [entry for entry in entries if entry.order_id is not None and entry.kind in {"payment", "reversal"}]
    paid = -sum(entry.amount for entry in by_order)
    return FEE_PAID() if paid > 0 else None


def reversible(paid: int, visible: Sequence[EntryRow]) -> Refusal | None:
    """Say whether a payment of `paid` may be reversed; not when a debt that it paid is gone (debt-gone)."""
    return DEBT_GONE() if -sum(entry.amount for entry in visible) != paid else None
