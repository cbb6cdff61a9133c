"""The judgement: what the history and the promises make of every record, held against what was found."""

from collections.abc import Iterable, Mapping

from tests.proving.oracle import circulation, correspondence, people
from tests.proving.oracle.bench import Bench
from tests.proving.oracle.judgement import Judgement
from tests.proving.oracle.life import Act, Life
from tests.proving.oracle.observation import Observation
from tests.proving.oracle.promises import Promises


def judge(history: Iterable[Act], promises: Mapping[str, Promises], seen: Observation) -> Judgement:
    """Return all that is not as promised at the time of the observation, and how late the rest went.

    What falls due between two steps of the clock can go at the next one and no sooner: only what is later than that is missed.
    """
    life = Life(promises).read(history)
    life.conclude(seen.now)
    bench = Bench(life, seen)
    circulation.judge_loans(bench)
    circulation.judge_debts(bench)
    circulation.judge_reservations(bench)
    correspondence.judge_messages(bench)
    people.judge_patrons(bench)
    people.judge_dated(bench)
    return bench.judgement
