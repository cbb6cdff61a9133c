"""The rules of lending, as plain values."""

from datetime import UTC, date, datetime, timedelta

import pytest

from glem.problems import Refusal
from loan_api.agency import Fees, FeeStep, GroupRules, LendingRules
from loan_api.borrowers.rules import is_absent
from loan_api.borrowers.tables import BorrowerRow
from loan_api.loans.rules import (
    ItemFacts,
    LoanFacts,
    Terms,
    event_time,
    is_due,
    is_late,
    may_check_out,
    may_renew,
)
from loan_api.reservations.rules import Wanted, interest_end, may_reserve

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
TODAY = date(2027, 3, 1)
FREE = Fees(adult=[FeeStep(amount=0)], child=[FeeStep(amount=0)])
RULES = LendingRules(
    debt_limit=20000,
    child_below=15,
    due_soon_days=3,
    reminder_days=[1, 14],
    pickup_days=7,
    interest_days=180,
    max_reservations=2,
    fees=FREE,
    groups={
        "adult": GroupRules(loan_days=28, renewals=2, max_loans=10),
        "child": GroupRules(loan_days=28, renewals=2, max_loans=5, may_borrow=["book"]),
    },
    loan_days_by_type={"film": 7},
)


def make_borrower(**fields):
    usual = {
        "patron_id": 1,
        "agency": "DK-725900",
        "version": 1,
        "erased": False,
        "patron_group": "adult",
        "age_band": 18,
        "home_branch": "DK-725900",
        "blocks": [],
        "absent_from": None,
        "absent_until": None,
        "balance": 0,
        "balance_version": 0,
    }
    return BorrowerRow(**usual | fields)


def check_out(borrower=None, *, open_loans=0, ages=True, **fields):
    usual = {"state": "available", "work_type": "book", "age_limit": 0, "shelved_for": None, "ahead": 0, "free": 1}
    answer = may_check_out(
        borrower or make_borrower(),
        "DK-725900",
        RULES,
        ItemFacts(**usual | fields),
        open_loans=open_loans,
        uses_age_limits=ages,
        loaned_at=NOW,
    )
    return answer.problem.name if isinstance(answer, Refusal) else answer


def test_terms_by_group_and_type():
    assert check_out() == Terms(TODAY + timedelta(days=28), 10)
    assert check_out(work_type="film") == Terms(TODAY + timedelta(days=7), 10)


@pytest.mark.parametrize(
    ("refusal", "borrower", "facts"),
    [
        ("wrong-agency", {"agency": "DK-785100"}, {}),
        ("unknown-patron", {"erased": True}, {}),
        ("patron-blocked", {"blocks": ["U"]}, {}),
        ("patron-blocked", {"blocks": ["E", "S"]}, {}),
        ("debt-limit", {"balance": 20000}, {}),
        ("unknown-patron-group", {"patron_group": None}, {}),
        ("not-for-group", {"patron_group": "child"}, {"work_type": "film"}),
        ("age-limit", {"age_band": 11}, {"age_limit": 15}),
        ("age-limit", {"age_band": None}, {"age_limit": 15}),
        ("item-lost", {}, {"state": "lost"}),
        ("item-withdrawn", {}, {"state": "withdrawn"}),
        ("item-on-loan", {}, {"state": "on-loan"}),
        ("item-reserved", {}, {"state": "on-shelf", "shelved_for": 2}),
        ("item-reserved", {}, {"ahead": 1}),
        ("item-reserved", {}, {"ahead": 3, "free": 3}),
    ],
)
def test_every_refusal(refusal, borrower, facts):
    assert check_out(make_borrower(**borrower), **facts) == refusal


def test_what_is_no_reason_to_refuse():
    assert isinstance(check_out(make_borrower(blocks=["E"], balance=19999)), Terms)
    assert isinstance(check_out(make_borrower(age_band=0), ages=False, age_limit=15), Terms)
    assert isinstance(check_out(state="on-shelf", shelved_for=1), Terms)
    assert isinstance(check_out(ahead=2, free=3), Terms)
    assert isinstance(check_out(open_loans=9), Terms)
    assert check_out(open_loans=10) == "too-many-loans"


def test_renewal():
    def renew(borrower=None, **fields):
        due = TODAY + timedelta(days=1)
        usual = {"returned_at": None, "due_on": due, "renewals": 0, "work_type": "book", "ahead": 0, "free": 0}
        answer = may_renew(borrower or make_borrower(), RULES, LoanFacts(**usual | fields), TODAY)
        return answer.params["fbs"] if isinstance(answer, Refusal) else answer

    assert renew() == TODAY + timedelta(days=28)
    assert renew(due_on=TODAY) == TODAY + timedelta(days=28)
    assert renew(ahead=1) == "deniedReserved"
    assert renew(ahead=1, free=1) == TODAY + timedelta(days=28)
    assert renew(renewals=2) == "deniedMaxRenewalsReached"
    assert renew(make_borrower(blocks=["O"])) == "deniedLoanerIsBlocked"
    assert renew(make_borrower(patron_group="child"), work_type="film") == "deniedMaterialIsNotLoanable"
    assert renew(make_borrower(patron_group="gone")) == "deniedLoaningProfileNotFound"
    assert renew(due_on=TODAY - timedelta(days=1)) == "deniedOtherReason"


def test_reserving():
    def reserve(**fields):
        usual = {"work_type": "book", "age_limit": 0, "items": 1, "reserved": False, "loaned": False, "reservations": 0}
        wanted = Wanted(**usual | fields)
        answer = may_reserve(make_borrower(), "DK-725900", RULES, wanted, age_limit=wanted.age_limit)
        return answer.problem.name if answer else None

    assert reserve() is None
    assert reserve(items=0) == "not-reservable"
    assert reserve(reserved=True) == "already-reserved"
    assert reserve(loaned=True) == "already-loaned"
    assert reserve(reservations=2) == "too-many-reservations"
    assert interest_end(None, RULES, TODAY) == TODAY + timedelta(days=180)
    assert interest_end(TODAY, RULES, TODAY) == TODAY
    assert isinstance(interest_end(TODAY - timedelta(days=1), RULES, TODAY), Refusal)


def test_absence_counts_both_ends_and_either_may_be_open():
    day = timedelta(days=1)
    assert not is_absent(make_borrower(), TODAY)
    assert is_absent(make_borrower(absent_from=TODAY, absent_until=TODAY), TODAY)
    assert is_absent(make_borrower(absent_from=TODAY - day), TODAY)
    assert is_absent(make_borrower(absent_until=TODAY + day), TODAY)
    assert not is_absent(make_borrower(absent_from=TODAY + day), TODAY)
    assert not is_absent(make_borrower(absent_until=TODAY - day), TODAY)


def test_h5_and_h58_the_time_that_a_machine_tells():
    assert event_time(None, NOW) == NOW
    assert event_time(NOW - timedelta(days=5), NOW) == NOW - timedelta(days=5)
    assert event_time(NOW + timedelta(minutes=5), NOW) == NOW
    assert isinstance(event_time(NOW + timedelta(minutes=5, microseconds=1), NOW), Refusal)
    assert isinstance(event_time(NOW - timedelta(hours=1), NOW, not_before=NOW), Refusal)
    assert event_time(date(2027, 2, 28), NOW) == datetime(2027, 2, 28, 22, 59, 59, 999_999, UTC)
    assert event_time(date(2026, 7, 1), NOW) == datetime(2026, 7, 1, 21, 59, 59, 999_999, UTC)
    assert not is_late(date(2027, 2, 28), event_time(date(2027, 2, 28), NOW))
    assert event_time(TODAY, NOW) == NOW
    assert isinstance(event_time(TODAY + timedelta(days=1), NOW), Refusal)


def test_due_and_late():
    assert is_due(NOW, NOW)
    assert not is_due(NOW, NOW - timedelta(microseconds=1))
    assert not is_due(None, NOW)
    assert not is_due(NOW, None)
    assert not is_late(TODAY, datetime(2027, 3, 1, 22, 59, tzinfo=UTC))
    assert is_late(TODAY, datetime(2027, 3, 1, 23, tzinfo=UTC))


@pytest.mark.parametrize(
    "wrong", [{"reminder_days": [14, 1]}, {"fee_scope": "all"}, {"groups": {}}, {"debt_limit": -1}]
)
def test_wrong_rules_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        LendingRules.model_validate(RULES.model_dump() | wrong)
