"""The plain reading of a history: when each record must be gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.proving.oracle.life import Life
from tests.proving.oracle.promises import end_of_accounting_year, end_of_danish_day, period_of, read_promises
from tests.proving.oracle.story import PROMISES, A, K, act, at, fee, give_back, lend, pay

AGENCIES = Path(__file__).parents[3] / "deploy" / "agencies"


def due(acts, loan_id=1, days=120):
    life = Life(PROMISES).read(sorted(acts, key=lambda one: one["at"]))
    life.conclude(at(days))
    return life.loans[loan_id].fate.gone_at


def late(debt_id=21, loan_id=1, amount=2000):
    return give_back(loan_id, 10, debts=(fee(debt_id, loan_id, 7, amount),))


def test_a_loan_goes_30_days_after_its_return():
    assert due([lend(1, 0), give_back(1, 5)]) == at(35)


def test_an_open_loan_never_goes():
    assert due([lend(1, 0)]) is None


def test_a_fee_holds_the_loan_until_it_is_settled():
    acts = [lend(1, 0, due=7), late()]

    assert due(acts) is None
    assert due([*acts, pay("o", 15, 500)]) is None
    assert due([*acts, pay("o", 15, 500), pay("p", 20, 1500)]) == at(50)
    assert due([*acts, act("waive", 18, debt_id=21, amount=2000)]) == at(48)


def test_a_payment_that_is_taken_back_opens_the_debt_again():
    acts = [lend(1, 0, due=7), late(), pay("o", 15, 2000), act("reverse", 20, order_id="o")]

    assert due(acts) is None
    assert due([*acts, pay("p", 40, 2000)]) == at(70)


def test_what_has_gone_is_not_brought_back_by_a_later_debt():
    later = {**fee(29, 1, 28), "loans": [1]}
    acts = [lend(1, 0), give_back(1, 5), act("charge", 40, patron_id=1, **later)]

    assert due(acts) == at(35)


def test_a_second_loan_of_the_day_joins_the_fee():
    acts = [lend(1, 0, due=7), lend(2, 0, work="w2", due=7), late(), give_back(2, 10.1)]

    assert due(acts, 2) is None
    assert due([*acts, pay("o", 12, 2000)], 2) == at(42)


def test_a_return_that_is_undone_takes_its_fee_with_it():
    acts = [lend(1, 0, due=7), late(), act("undo-return", 11, loan_id=1)]

    assert due(acts) is None
    assert due([*acts, give_back(1, 12)]) == at(42)


def test_a_lost_item_that_is_found_owes_nothing_more():
    acts = [lend(1, 0), act("lose", 10, loan_id=1, cause="lost", debts=[fee(21, 1, 28, 30000, "lost")])]

    assert due(acts) is None
    assert due([*acts, act("found", 20, loan_id=1, ready=None)]) == at(50)


def test_a_reservation_ends_by_its_loan_its_cancelling_or_a_missed_day():
    life = Life(PROMISES).read(
        [
            act("reserve", 0, reservation_id=1, patron_id=1, work_id="w1", expires_on="2027-09-01"),
            act("reserve", 0, reservation_id=2, patron_id=1, work_id="w2", expires_on="2027-09-01"),
            act("reserve", 0, reservation_id=3, patron_id=1, work_id="w3", expires_on="2026-09-05"),
            act("reserve", 0, reservation_id=4, patron_id=1, work_id="w4", expires_on="2026-09-05"),
            act("ready", 1, reservation_id=4, deadline="2026-09-09"),
            lend(1, 2, work="w1"),
            act("cancel", 3, reservation_id=2),
        ]
    )
    life.conclude(at(30))

    ends = {key: reservation.ended_at for key, reservation in life.reservations.items()}
    assert ends == {
        1: at(2),
        2: at(3),
        3: datetime(2026, 9, 5, 22, tzinfo=UTC),
        4: datetime(2026, 9, 9, 22, tzinfo=UTC),
    }


def test_a_contact_value_that_comes_back_is_no_old_one():
    acts = [
        act("register", 0, patron_id=1, group="adult", home_branch="b", language="da", contacts=["a@x.dk", "b@x.dk"]),
        act("contacts", 1, patron_id=1, contacts=["c@x.dk"]),
        act("contacts", 2, patron_id=1, contacts=["a@x.dk"]),
    ]

    assert set(Life(PROMISES).read(acts).old_values) == {"b@x.dk", "c@x.dk"}


def test_an_unknown_act_is_an_error():
    with pytest.raises(KeyError):
        Life(PROMISES).read([act("forget", 0, K)])


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("P30D", timedelta(days=30)),
        ("PT24H", timedelta(days=1)),
        ("P0D", timedelta()),
        ("P1DT30M", timedelta(days=1, minutes=30)),
    ],
)
def test_periods(text, period):
    assert period_of(text) == period


@pytest.mark.parametrize("text", ["30D", "P1M", "P", "PT", "P-1D"])
def test_what_is_no_period(text):
    with pytest.raises(ValueError, match="not a period"):
        period_of(text)


def test_days_end_by_the_danish_calendar():
    assert end_of_danish_day(datetime(2026, 10, 24, tzinfo=UTC).date()) == datetime(2026, 10, 24, 22, tzinfo=UTC)
    assert end_of_danish_day(datetime(2026, 10, 25, tzinfo=UTC).date()) == datetime(2026, 10, 25, 23, tzinfo=UTC)
    assert end_of_accounting_year(datetime(2026, 12, 31, 23, 30, tzinfo=UTC)) == datetime(2027, 12, 31, 23, tzinfo=UTC)


def test_the_libraries_promises_are_read_from_their_files():
    promises = read_promises(AGENCIES)

    assert {one.name for one in promises.values()} >= {"KøgeBibliotekerne", "Struer Bibliotek"}
    assert promises["DK-725900"].keeps_amounts
    assert not promises["DK-773000"].keeps_amounts
    assert all(one.periods["loan"] == timedelta(days=30) for one in promises.values())
    assert A not in promises
