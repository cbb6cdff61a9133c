"""Time goes forward only, is one for all who share it, and a Danish day ends when Danes say so."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from glem.clock import SystemClock, TravellingClock, end_of_local_day, local_date

if TYPE_CHECKING:
    from pathlib import Path

DAY = timedelta(days=1)
A_MOMENT = timedelta(seconds=5)
FUTURE = datetime(2031, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "clock.json"


def test_it_begins_at_the_present(file: Path):
    assert timedelta() <= TravellingClock(file).now() - datetime.now(UTC) + A_MOMENT < 2 * A_MOMENT
    assert TravellingClock(file).offset == timedelta()


def test_it_travels_by_exactly_what_it_was_told(file: Path):
    clock = TravellingClock(file)
    clock.travel(30 * DAY)
    clock.travel(timedelta(hours=1))
    assert clock.offset == 30 * DAY + timedelta(hours=1)


def test_no_journey_is_lost_when_two_objects_travel_in_quick_succession(file: Path):
    clocks = [TravellingClock(file) for _ in range(3)]
    for journey in range(300):
        clocks[journey % 3].travel(DAY)
        assert {clock.offset for clock in clocks} == {(journey + 1) * DAY}


def test_no_journey_is_lost_when_two_processes_travel_at_once(file: Path):
    travel = (
        "import sys; from pathlib import Path; from datetime import timedelta; from glem.clock import TravellingClock\n"
        "clock = TravellingClock(Path(sys.argv[1]))\n"
        "for _ in range(200): clock.travel(timedelta(days=1))"
    )
    travellers = [subprocess.Popen([sys.executable, "-c", travel, str(file)]) for _ in range(2)]
    assert [traveller.wait(30) for traveller in travellers] == [0, 0]
    assert TravellingClock(file).offset == 400 * DAY


def test_a_frozen_clock_names_its_instant_exactly_to_all(file: Path):
    one, other = TravellingClock(file), TravellingClock(file)
    one.freeze(FUTURE)
    assert one.now() == other.now() == FUTURE
    assert other.shown_at(datetime.now(UTC) - A_MOMENT) == FUTURE
    assert other.travel(DAY) == FUTURE + DAY
    assert one.now() == FUTURE + DAY
    assert one.offset == pytest.approx(FUTURE + DAY - datetime.now(UTC), abs=A_MOMENT)


def test_it_never_goes_back(file: Path):
    clock = TravellingClock(file)
    with pytest.raises(ValueError, match="forward only"):
        clock.travel(-timedelta(microseconds=1))
    clock.freeze(FUTURE)
    with pytest.raises(ValueError, match="forward only"):
        TravellingClock(file).freeze(FUTURE - 2 * A_MOMENT)
    assert clock.now() == FUTURE


def test_a_new_process_finds_the_travelled_time(file: Path):
    TravellingClock(file).travel(90 * DAY)
    assert TravellingClock(file).now() - datetime.now(UTC) > 89 * DAY


def test_the_system_clock_does_not_travel():
    assert SystemClock().offset == timedelta()
    assert SystemClock().shown_at(FUTURE) == FUTURE
    assert SystemClock().now().tzinfo is UTC


@pytest.mark.parametrize(
    ("day", "ends"),
    [
        (date(2026, 1, 31), datetime(2026, 1, 31, 23, tzinfo=UTC)),
        (date(2026, 3, 28), datetime(2026, 3, 28, 23, tzinfo=UTC)),
        (date(2026, 3, 29), datetime(2026, 3, 29, 22, tzinfo=UTC)),
        (date(2026, 6, 30), datetime(2026, 6, 30, 22, tzinfo=UTC)),
        (date(2026, 10, 24), datetime(2026, 10, 24, 22, tzinfo=UTC)),
        (date(2026, 10, 25), datetime(2026, 10, 25, 23, tzinfo=UTC)),
    ],
)
def test_a_local_day_ends_at_midnight_in_denmark(day: date, ends: datetime):
    assert end_of_local_day(day) == ends
    assert local_date(ends) == day + timedelta(days=1)
    assert local_date(ends - timedelta(microseconds=1)) == day


def test_the_day_that_summer_time_begins_has_23_hours_and_the_day_it_ends_has_25():
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)
    assert end_of_local_day(spring) - end_of_local_day(spring - timedelta(days=1)) == timedelta(hours=23)
    assert end_of_local_day(autumn) - end_of_local_day(autumn - timedelta(days=1)) == timedelta(hours=25)
