"""The rules of lending: values and a time in, a value out. Days are Danish calendar days."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from glem.clock import end_of_local_day, local_date
from glem.problems import Refusal
from loan_api.agency import FeeScope, LendingRules
from loan_api.borrowers.rules import blocking, group_of, may_borrow
from loan_api.borrowers.tables import BorrowerRow
from loan_api.loans.problems import (
    DENIED_BLOCKED,
    DENIED_MAX_RENEWALS,
    DENIED_NO_GAIN,
    DENIED_NO_PROFILE,
    DENIED_NOT_LOANABLE,
    DENIED_OVERDUE,
    DENIED_RESERVED,
    IMPOSSIBLE_TIME,
    ITEM_LOST,
    ITEM_ON_LOAN,
    ITEM_RESERVED,
    ITEM_WITHDRAWN,
    LOAN_CLOSED,
    TOO_MANY_LOANS,
)

CLOCK_TOLERANCE = timedelta(minutes=5)
LAST_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """What check-out knows of an item and its work.

    `shelved_for`: the patron for whom it waits on the shelf. `ahead`: how many others in the queue (not away) come before
    this patron. `free`: how many items of the work are available, this one included.
    """

    state: str
    work_type: str
    age_limit: int
    shelved_for: int | None
    ahead: int
    free: int


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms an item is lent."""

    due_on: date
    max_loans: int


def may_check_out(
    borrower: BorrowerRow,
    agency: str,
    rules: LendingRules,
    item: ItemFacts,
    *,
    open_loans: int,
    uses_age_limits: bool,
    loaned_at: datetime,
) -> Refusal | Terms:
    """Say whether the patron may borrow the item, and until when (R7, R15, R16, R57)."""
    age_limit = item.age_limit if uses_age_limits else 0
    group = may_borrow(borrower, agency, rules, work_type=item.work_type, age_limit=age_limit)
    if isinstance(group, Refusal):
        return group
    refusal = _item_refusal(borrower, item)
    if refusal is not None:
        return refusal
    if open_loans >= group.max_loans:
        return TOO_MANY_LOANS(limit=group.max_loans)
    due_on = local_date(loaned_at) + timedelta(days=rules.loan_days(group, item.work_type))
    return Terms(due_on, group.max_loans)


def _item_refusal(borrower: BorrowerRow, item: ItemFacts) -> Refusal | None:
    """Say why nobody, or not this patron, gets the item: with as many in the queue before as items are in, each has its taker."""
    refusals = {"lost": ITEM_LOST, "withdrawn": ITEM_WITHDRAWN, "on-loan": ITEM_ON_LOAN}
    if item.state in refusals:
        return refusals[item.state]()
    if item.state == "on-shelf":
        return None if item.shelved_for == borrower.patron_id else ITEM_RESERVED()
    return ITEM_RESERVED() if item.ahead >= max(item.free, 1) else None


@dataclass(frozen=True, slots=True)
class LoanFacts:
    """What a renewal knows of a loan; `ahead` others wait for the work and `free` items of it are in."""

    returned_at: datetime | None
    due_on: date
    renewals: int
    work_type: str
    ahead: int
    free: int


def may_renew(borrower: BorrowerRow, rules: LendingRules, loan: LoanFacts, today: date) -> Refusal | date:
    """Return the new due date, or why the loan cannot be renewed, by the names that FBS has for it."""
    group = group_of(borrower, rules)
    if isinstance(group, Refusal):
        return DENIED_NO_PROFILE(fbs="deniedLoaningProfileNotFound")
    due_on = today + timedelta(days=rules.loan_days(group, loan.work_type))
    reasons = (
        (loan.returned_at is not None, LOAN_CLOSED(fbs="deniedOtherReason")),
        (blocking(borrower, rules) is not None, DENIED_BLOCKED(fbs="deniedLoanerIsBlocked")),
        (not group.lends(loan.work_type), DENIED_NOT_LOANABLE(fbs="deniedMaterialIsNotLoanable")),
        (loan.renewals >= group.renewals, DENIED_MAX_RENEWALS(fbs="deniedMaxRenewalsReached", limit=group.renewals)),
        (loan.ahead > loan.free, DENIED_RESERVED(fbs="deniedReserved")),
        (loan.due_on < today, DENIED_OVERDUE(fbs="deniedOtherReason")),
        (due_on <= loan.due_on, DENIED_NO_GAIN(fbs="deniedOtherReason")),
    )
    return next((refusal for holds, refusal in reasons if holds), due_on)


def event_time(
    given: datetime | date | None, now: datetime, *, not_before: datetime | None = None
) -> datetime | Refusal:
    """Return the moment of a check-out or return that a machine tells of, perhaps late (H5), in UTC.

    A date alone means the last instant of that Danish day, so that the due date itself is in time; but never a time to come
    (H58). A time may be up to 5 minutes ahead (a machine's clock), and then counts as now.
    """
    if given is None:
        return now
    if isinstance(given, datetime):
        moment, impossible = given, given > now + CLOCK_TOLERANCE
    else:
        moment, impossible = end_of_local_day(given) - LAST_INSTANT, given > local_date(now)
    if impossible or (not_before is not None and moment < not_before):
        return IMPOSSIBLE_TIME()
    return min(moment, now)


@dataclass(frozen=True, slots=True)
class DebtFacts:
    """What the anchor of a loan depends on in a debt of its patron.

    `loan_ids`: the loans that the debt is for. `ledger`: when, and by how many øre, each entry moved the balance, oldest first;
    the first one raised it.
    """

    loan_ids: Collection[int]
    ledger: Sequence[tuple[datetime, int]]


def loan_anchor(
    loan_id: int,
    returned_at: datetime | None,
    debts: Iterable[DebtFacts],
    scope: FeeScope,
    as_of: datetime | None = None,
) -> datetime | None:
    """Return the time from which a loan's retention period runs, or None while it is not to run (R33 to R37).

    It is the later of the return and of the last settlement of the debts that hold the loan. It is None while the loan is
    open, and while something is owed on a debt that holds it. `debts` are the patron's; `scope` says which of them hold the loan (R35).

    With `as_of`, the facts are read as they stood just before that time: what was raised or reversed then or later is not
    counted (H12).

    The services ask PostgreSQL, where the same rule is the function of this name (anchor.sql), so that a thousand loans are
    one statement. This is the rule to read and to change first; tests/loan_api/test_anchor.py holds the two together.
    """
    if returned_at is None:
        return None
    moments = [returned_at]
    for debt in debts:
        if scope == "patron" or loan_id in debt.loan_ids:
            entries = [(at, amount) for at, amount in debt.ledger if as_of is None or at < as_of]
            if sum(amount for _, amount in entries) != 0:
                return None
            moments += [at for at, _ in entries[-1:]]
    return max(moments)


def is_due(anchor: datetime | None, cutoff: datetime | None) -> bool:
    """Say whether a loan is past its period: then it is treated as gone, erased or not (H11, H12, R34)."""
    return anchor is not None and cutoff is not None and anchor <= cutoff


def is_late(due_on: date, returned_at: datetime) -> bool:
    """Say whether a return comes after its due date, which itself is in time."""
    return local_date(returned_at) > due_on
