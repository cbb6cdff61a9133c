"""Due → erased and registered: how fast, how it grows, how late in real time, and what memory the suite takes."""

import statistics

from benchmarks.flood import Flood, Outcome, Task, flood
from benchmarks.place import Place
from benchmarks.table import Row, compared

FEW, MANY = 10_000, 1_000_000
DRIPS, DRIP_SECONDS = 2_000, 20.0


async def measure(place: Place) -> list[Row]:
    """Return the rows of this measurement."""
    few, many = place.sized(FEW, 100), place.sized(MANY, 1000)
    task = Task(
        str(place.home / "suite"),
        [few] * place.rounds + [many],
        place.sized(DRIPS, 20),
        place.seconds(DRIP_SECONDS),
    )
    outcome = await flood(task)
    return [*_speed(outcome.floods[:-1], outcome.floods[-1]), *_rest(outcome)]


def _speed(few: list[Flood], many: Flood) -> list[Row]:
    ours, rival = [each.per_second for each in few], [each.delete_per_second for each in few]
    growth = many.per_second / statistics.median(ours)
    first = compared(
        f"due → erased, registered and in the log, {_what(few[0])} at once",
        "records/s",
        ours,
        rival,
        "DELETE of the same rows in batches of 1,000 ids",
        "20,000/s; no aim for the ratio",
    )
    second = compared(
        f"the same, {_what(many)} at once",
        "records/s",
        [many.per_second],
        [many.delete_per_second],
        "the same DELETE",
        f"as fast as {few[0].loans:,} (here {growth:.2f} of it)",
    )
    return [first, second]


def _what(flood: Flood) -> str:
    return f"{flood.loans:,} loans and {flood.debts:,} settled debts with material, entries and payments"


def _rest(outcome: Outcome) -> list[Row]:
    return [
        Row(
            f"from due to registered, {DRIPS / DRIP_SECONDS:.0f} loans a second falling due",
            f"p50 {outcome.p50:.2f} s, p99.9 {outcome.p999:.2f} s",
            aim="p50 1 s, p99.9 5 s",
        ),
        Row(
            "memory of the suite's one process; of its PostgreSQL",
            f"idle {outcome.idle:.0f} MiB, peak {outcome.peak:.0f} MiB; "
            f"idle {outcome.idle_postgres:.0f} MiB, peak {outcome.peak_postgres:.0f} MiB",
        ),
    ]
