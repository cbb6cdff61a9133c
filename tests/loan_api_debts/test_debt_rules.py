"""The rules of debts, by values alone."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from glem.ids import new_id
from glem.problems import Refusal
from glem_retention.agencies import Agencies, Agency, AgencyIdentity, RetentionPolicy
from loan_api.agency import Fees, FeeStep, GroupRules, LendingRules
from loan_api.debts import rules
from loan_api.debts.tables import DebtRow, EntryRow

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
DUE = date(2027, 3, 1)
DAY = timedelta(days=1)
LENDING = LendingRules(
    debt_limit=20000,
    child_below=14,
    due_soon_days=3,
    reminder_days=[1],
    pickup_days=7,
    interest_days=180,
    max_reservations=10,
    fees=Fees(
        adult=[FeeStep(days=7, amount=2000), FeeStep(days=30, amount=12000), FeeStep(amount=23000)],
        child=[FeeStep(days=7, amount=1000), FeeStep(amount=5500)],
    ),
    groups={
        "adult": GroupRules(loan_days=30, renewals=3, max_loans=9),
        "institution": GroupRules(loan_days=30, renewals=3, max_loans=9, fees=False),
    },
)


def make_debt(amount: int, *, raised_at: datetime = NOW) -> DebtRow:
    return DebtRow(new_id(), "DK-700000", 1, "fee", "overdue", amount, amount, raised_at)


def kept(*, redacts: bool = False, now: datetime = NOW) -> rules.Keeping:
    def policy(days: int, action: str) -> RetentionPolicy:
        return RetentionPolicy(period=days * DAY, action=action, effective=NOW, wording="-", rows=["R52"])

    action = "redact" if redacts else "erase"
    isil = "DK-700000"
    identity = AgencyIdentity(isil=isil, name="-", municipality="0000", branches={isil: "-"}, contact="-")
    policies = {"debt": policy(30, action), "debt-amount": policy(1096, "erase")}
    return rules.keeping(Agencies({isil: Agency(identity, policies, {}, Path())}), isil, now)


def fee(days: float, *, age_band: int | None = 18, group: str = "adult") -> int:
    returned_at = datetime(2027, 3, 1, 12, tzinfo=UTC) + timedelta(days=days)
    return rules.overdue_fee(LENDING, patron_group=group, age_band=age_band, due_on=DUE, returned_at=returned_at)


@pytest.mark.parametrize(
    ("days", "amount"), [(-3, 0), (0, 0), (1, 2000), (7, 2000), (8, 12000), (30, 12000), (31, 23000), (400, 23000)]
)
def test_an_adult_pays_by_the_price_list(days: int, amount: int) -> None:
    assert fee(days) == amount


@pytest.mark.parametrize(("band", "amount"), [(0, 1000), (13, 1000), (14, 2000), (18, 2000), (None, 2000)])
def test_a_child_pays_less_below_the_agencys_age(band: int | None, amount: int) -> None:
    assert fee(1, age_band=band) == amount


def test_a_group_without_fees_pays_none() -> None:
    assert fee(100, group="institution") == 0


def test_lateness_counts_danish_calendar_days() -> None:
    assert rules.days_late(DUE, datetime(2027, 3, 1, 22, 59, tzinfo=UTC)) == 0
    assert rules.days_late(DUE, datetime(2027, 3, 1, 23, 0, tzinfo=UTC)) == 1
    assert rules.days_late(date(2027, 6, 1), datetime(2027, 6, 1, 22, 0, tzinfo=UTC)) == 1


def test_h15_a_partial_payment_does_not_settle() -> None:
    after = rules.moved(make_debt(12000), -5000, kept(), NOW)
    assert (after.balance, after.settled_at, after.anchor, after.clock_version) == (7000, None, None, 1)


def test_settlement_starts_both_clocks() -> None:
    after = rules.moved(make_debt(12000), -12000, kept(redacts=True), NOW)
    assert after.settled_at == after.anchor == NOW
    assert after.amount_anchor == datetime(2027, 12, 31, 23, tzinfo=UTC)
    assert [(c.record_class, c.anchor, c.version) for c in rules.clocks(after, kept(redacts=True))] == [
        ("debt", NOW, 2),
        ("debt-amount", after.amount_anchor, 2),
    ]


def test_where_the_whole_record_goes_no_amount_clock_is_told() -> None:
    after = rules.moved(make_debt(100), -100, kept(), NOW)
    assert after.amount_anchor is None
    assert [clock.record_class for clock in rules.clocks(after, kept())] == ["debt"]


def test_h13_a_reversal_opens_the_debt_and_stops_its_clocks() -> None:
    settled = rules.moved(make_debt(100), -100, kept(redacts=True), NOW)
    opened = rules.moved(settled, 100, kept(redacts=True), NOW + 10 * DAY)
    assert (opened.balance, opened.settled_at, opened.anchor, opened.amount_anchor) == (100, None, None, None)
    assert opened.clock_version == 3
    again = rules.moved(opened, -100, kept(redacts=True), NOW + 12 * DAY)
    assert again.anchor == NOW + 12 * DAY


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        (datetime(2027, 12, 31, 22, 59, tzinfo=UTC), datetime(2027, 12, 31, 23, tzinfo=UTC)),
        (datetime(2027, 12, 31, 23, 0, tzinfo=UTC), datetime(2028, 12, 31, 23, tzinfo=UTC)),
        (datetime(2027, 7, 1, tzinfo=UTC), datetime(2027, 12, 31, 23, tzinfo=UTC)),
    ],
)
def test_the_accounting_year_ends_at_danish_midnight(moment: datetime, end: datetime) -> None:
    assert rules.accounting_year_end(moment) == end


@pytest.mark.parametrize("cutoff", [datetime(2027, 12, 31, 22, 59, tzinfo=UTC), datetime(2027, 12, 31, 23, tzinfo=UTC)])
def test_the_last_settlement_is_the_year_end_turned_round(cutoff: datetime) -> None:
    last = rules.last_settlement(cutoff)
    assert rules.accounting_year_end(last) <= cutoff < rules.accounting_year_end(last + timedelta(microseconds=1))


def test_what_is_due_is_not_seen() -> None:
    settled = rules.moved(make_debt(100), -100, kept(), NOW)
    assert rules.extent(settled, kept(now=NOW + 30 * DAY - timedelta(microseconds=1))) == "whole"
    assert rules.extent(settled, kept(now=NOW + 30 * DAY)) == "gone"
    assert rules.extent(settled, kept(now=NOW + 30 * DAY, redacts=True)) == "amount"
    assert rules.extent(settled, kept(now=NOW + 2000 * DAY, redacts=True)) == "gone"
    assert rules.extent(make_debt(100), kept(now=NOW + 5000 * DAY)) == "whole"


def test_a_payment_goes_to_the_oldest_debt_first() -> None:
    old, young = make_debt(3000, raised_at=NOW), make_debt(2000, raised_at=NOW + DAY)
    assert rules.allocate([young, old], 4000, None) == [(old, 3000), (young, 1000)]
    assert rules.allocate([young, old], 3000, None) == [(old, 3000)]
    assert rules.allocate([young, old], 1500, [young.debt_id]) == [(young, 1500)]


def test_more_than_is_owed_is_refused() -> None:
    old, young = make_debt(3000), make_debt(2000)
    assert refused(rules.allocate([old, young], 5001, None)) == "payment-over-debt"
    assert refused(rules.allocate([old, young], 2001, [young.debt_id])) == "payment-over-debt"
    assert refused(rules.allocate([], 1, None)) == "payment-over-debt"
    assert refused(rules.allocate([old], 1, [young.debt_id])) == "debt-gone"


def test_a_waiver_takes_what_is_left_at_most() -> None:
    assert rules.waivable(make_debt(3000), None) == 3000
    assert rules.waivable(make_debt(3000), 1000) == 1000
    assert refused(rules.waivable(make_debt(3000), 3001)) == "waiver-over-debt"
    assert refused(rules.waivable(replace(make_debt(3000), balance=0), None)) == "waiver-over-debt"


def test_a_fee_of_which_something_is_paid_is_not_withdrawn() -> None:
    raised = EntryRow(1, 1, "raised", 100, NOW, None)
    paid, back = EntryRow(2, 1, "payment", -60, NOW, "a"), EntryRow(3, 1, "reversal", 60, NOW, "a")
    assert rules.withdrawable([raised]) is None
    assert refused(rules.withdrawable([raised, paid])) == "fee-paid"
    assert rules.withdrawable([raised, paid, back]) is None


def refused(result: object) -> str:
    assert isinstance(result, Refusal)
    return result.problem.name
