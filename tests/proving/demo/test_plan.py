"""What the demo plans is drawn from its seed alone, and is what a town would do."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from embedded.development import default_agencies
from glem_retention.agencies import load_agencies
from patron_api.cpr import Cpr
from tests.proving.demo.calendar import first_of_september, make_calendar, next_open
from tests.proving.demo.catalogue import buy, shipped_works
from tests.proving.demo.houses import read_libraries
from tests.proving.demo.people import cpr_number, invent
from tests.proving.demo.plan import make_visits

START = datetime(2027, 9, 1, 4, tzinfo=UTC)
TODAY = START.date()
SEED = 7


@pytest.fixture(scope="module")
def libraries():
    return read_libraries(load_agencies(default_agencies()))


def test_the_clock_goes_in_steps_of_hours_and_by_night_in_longer_ones():
    steps = make_calendar(START, 120, SEED)

    gaps = [later.at - sooner.at for sooner, later in pairwise(steps)]
    assert timedelta(hours=1) <= min(gaps)
    assert max(gaps) <= timedelta(hours=5)
    by_day = [gap for step, gap in zip(steps, gaps, strict=False) if step.open]
    assert max(by_day) <= timedelta(hours=2, minutes=30)
    assert steps[-1].at >= START + timedelta(days=120)
    assert sum(step.seconds for step in steps) == (steps[-1].at - START).total_seconds()
    assert sum(step.new_day for step in steps) == 120


@pytest.mark.parametrize(
    ("now", "year"),
    [
        (datetime(2026, 6, 1, tzinfo=UTC), 2026),
        (datetime(2026, 8, 31, 12, tzinfo=UTC), 2027),
        (datetime(2026, 11, 22, tzinfo=UTC), 2027),
    ],
)
def test_it_begins_on_the_next_first_of_september_so_that_summer_time_ends_in_it(now, year):
    start = first_of_september(now)

    assert (start.year, start.month, start.day, start.hour) == (year, 9, 1, 4)
    assert start > now


def test_deeds_wait_for_an_opening_hour():
    steps = make_calendar(START, 3, SEED)
    at_night = START + timedelta(hours=18)

    number = next_open(steps, at_night)

    assert number is not None
    assert steps[number].open
    assert steps[number].at >= at_night
    assert next_open(steps, START + timedelta(days=9)) is None


def test_the_same_seed_draws_the_same_people_items_and_visits(libraries):
    def draw(seed):
        people = [invent(library.house, 30, TODAY, seed) for library in libraries]
        steps = make_calendar(START, 20, seed)
        works = shipped_works()
        return (
            people,
            steps,
            buy(libraries[0], works, seed),
            make_visits(libraries, people, len(works), steps, 500, seed),
        )

    assert draw(SEED) == draw(SEED)
    assert draw(SEED) != draw(SEED + 1)


def test_people_have_replacement_numbers_that_are_theirs_alone(libraries):
    people = [person for library in libraries for person in invent(library.house, 200, TODAY, SEED)]

    for person in people:
        cpr = Cpr.parse(person.cpr, TODAY)
        assert isinstance(cpr, Cpr)
        assert cpr.is_replacement
        assert cpr.birth_date == person.born
    assert len({(person.agency, person.cpr) for person in people}) == len(people)
    assert len({person.phone for person in people}) == len(people)
    assert all(person.email is None or person.email.endswith("example.dk") for person in people)
    assert {person.group for person in people} == {"adult", "child", "institution", "homebound"}


@pytest.mark.parametrize("born", [date(1931, 2, 28), date(1999, 12, 31), date(2000, 1, 1), date(2021, 5, 5)])
def test_the_seventh_digit_tells_the_century(born):
    cpr = Cpr.parse(cpr_number(born, 123), TODAY)

    assert isinstance(cpr, Cpr)
    assert cpr.birth_date == born


def test_popular_works_are_wanted_more_and_bought_more(libraries):
    works = shipped_works()
    steps = make_calendar(START, 120, SEED)
    people = [invent(library.house, 200, TODAY, SEED) for library in libraries]

    visits = make_visits(libraries, people, len(works), steps, 10_000, SEED)

    wanted = Counter(wish.places[0] for visit in visits for wish in visit.wishes)
    top, tail = sum(wanted[place] for place in range(100)), sum(wanted[place] for place in range(9_000, 9_100))
    assert sum(wanted.values()) == 10_000
    assert top > 20 * max(1, tail)
    assert all(steps[visit.step].open for visit in visits)
    items = Counter(item.work_id for item in buy(libraries[0], works, SEED))
    assert len(items) == len(works) == 9_997
    assert items[works[0].record_id] > items[works[200].record_id] >= items[works[-1].record_id] == 1
