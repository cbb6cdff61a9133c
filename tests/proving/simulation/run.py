"""The simulation: time goes on in steps; lives are lived, machines fail, policies change, and the oracle looks on."""

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from tests.proving.oracle.judgement import Finding
from tests.proving.oracle.promises import read_promises
from tests.proving.oracle.repeated_judge import RepeatedJudge
from tests.proving.simulation import houses
from tests.proving.simulation.agenda import Agenda
from tests.proving.simulation.classes import SchoolClass
from tests.proving.simulation.owner import Line
from tests.proving.simulation.single_lives import House
from tests.proving.simulation.stage import Stage
from tests.proving.simulation.transport import Weather

# Ahead of all clocks, for a simulated clock travels forward only.
START = datetime(2040, 9, 1, tzinfo=UTC)
DAY = timedelta(days=1)
LARGEST_CLASS = 1000
PATRONS = 60


@dataclass(frozen=True)
class Plan:
    """How much is simulated. `by_hand`: the share of lives whose every act is the service's own action.

    Lives begin within `days`; then come `tail` more, in which all but the last end. The machines do their work every `tick`,
    the audit every `audits_every` ticks, and after every `looks_every` audits the oracle looks.
    """

    lives: int
    seed: int
    by_hand: float = 0.1
    days: int = 120
    tail: int = 75
    tick: timedelta = DAY
    audits_every: int = 2
    looks_every: int = 5
    weather: Weather = field(default_factory=Weather)

    @property
    def ticks(self) -> int:
        """How often the machines do their work; the last time is an audit."""
        ticks = int(DAY * (self.days + self.tail) / self.tick)
        return ticks + -ticks % self.audits_every

    @property
    def class_size(self) -> int:
        """How many loans a school class has."""
        return max(20, min(LARGEST_CLASS, self.lives // 60))


@dataclass
class Outcome:
    """What came of it. `lateness`: how long after its due time what went had gone, in simulated time, worst and median."""

    plan: Plan
    lives: int = 0
    erased: int = 0
    sightings: int = 0
    acts: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    found_by_audit: int = 0
    lost_answers: int = 0
    seconds: float = 0.0
    left: int = 0
    remembered: int = 0
    median: timedelta = timedelta()
    longest: timedelta = timedelta()
    findings: Sequence[Finding] = ()
    recent: Sequence[dict[str, Any]] = ()

    def count(self, kind: str) -> int:
        """Return how many findings there are of one kind."""
        return sum(finding.kind == kind for finding in self.findings)

    def story_of(self, finding: Finding) -> list[dict[str, Any]]:
        """Return the last acts that name the record of a finding."""
        wanted = finding.record_id
        return [act for act in self.recent if wanted in _ids(act)]


Show = Callable[["Outcome", int], None]


@dataclass
class Outages:
    """What fails on which day: "worker" (away), "line" (away), "answers" (lost), "crash" (a sweep is cut off)."""

    days: dict[int, str]

    @classmethod
    def of(cls, chance: Random, days: int) -> "Outages":
        """Spread outages over `days`."""
        found: dict[int, str] = {}
        day = 6
        while day < days:
            kind = chance.choice(("worker", "line", "answers", "answers", "crash"))
            for each in range(day, day + chance.choice((1, 1, 2, 3, 11) if kind == "worker" else (1, 2))):
                found[each] = kind
            day += chance.randrange(7, 20)
        return cls(found)


async def simulate(urls: Sequence[str], plan: Plan, show: Show = lambda _outcome, _day: None) -> Outcome:
    """Live through `plan` on two empty databases (lending's, retention's); return what the oracle says."""
    chance = Random(plan.seed)
    outcome, began = Outcome(plan), time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        agencies = houses.build(folder / "agencies", START - 400 * DAY)
        weather = Random(chance.random())
        async with Stage.open(urls, folder, agencies, START, weather, plan.weather) as stage:
            judge = RepeatedJudge(read_promises(agencies))
            run = _Run(plan, chance, stage, judge, outcome)
            await run.prepare()
            for tick in range(1, plan.ticks + 1):
                await run.tick(tick)
                outcome.seconds = time.monotonic() - began
                show(outcome, tick)
            run.conclude()
    outcome.seconds = time.monotonic() - began
    return outcome


class _Run:
    """One simulation under way."""

    def __init__(self, plan: Plan, chance: Random, stage: Stage, judge: RepeatedJudge, outcome: Outcome) -> None:
        self._plan = plan
        self._chance = chance
        self._stage = stage
        self._judge = judge
        self._outcome = outcome
        self._agenda = Agenda(stage, judge)
        self._outages = Outages.of(Random(chance.random()), plan.days + plan.tail - 12)
        self._delays: list[timedelta] = []

    async def prepare(self) -> None:
        """Open the houses and put every life, and every change of policy, on the agenda."""
        plan, chance, span = self._plan, self._chance, DAY * self._plan.days
        by_hand = int(plan.lives * plan.by_hand)
        for number, (isil, *_) in enumerate(houses.HOUSES):
            house = House(self._agenda, isil, Random(chance.random()), span)
            lives = by_hand // len(houses.HOUSES) + (number < by_hand % len(houses.HOUSES))
            await house.open(max(PATRONS, lives // 40), 60)
            house.begin_lives(lives)
            if isil == houses.REMEMBERS:
                house.begin_consents()
        left = plan.lives - by_hand
        while left > 0:
            size = min(plan.class_size, left)
            left -= size
            school = SchoolClass(self._agenda, chance.choice(houses.CLASSES_AT), size, Random(chance.random()))
            self._agenda.at(START + span * chance.random(), id(school), school.lend)
        self._change_policies(span)

    def _change_policies(self, span: timedelta) -> None:
        changes = (
            (0.30, houses.GOES_WHOLE, "loan", 14),
            (0.45, houses.KEEPS_AMOUNTS, "loan", 21),
            (0.50, houses.HOLDS_ALL, "loan", 40),
            (0.60, houses.GOES_WHOLE, "loan", 35),
            (0.70, houses.KEEPS_AMOUNTS, "debt", 25),
            (0.75, houses.HOLDS_ALL, "loan", 20),
            (0.80, houses.KEEPS_AMOUNTS, "loan", 30),
        )
        for share, agency, record_class, days in changes:

            async def adopt(agency: str = agency, record_class: str = record_class, days: int = days) -> None:
                effective = self._stage.now + DAY * self._chance.uniform(1, 4)
                await self._stage.adopt(agency, record_class, DAY * days, effective)
                fields = {"record_class": record_class, "seconds": days * 86400, "effective": effective.isoformat()}
                self._agenda.record("adopt", agency, **fields)

            self._agenda.at(START + span * share, "policies", adopt)

    async def tick(self, tick: int) -> None:
        """Live until the next tick, then let the machines do their work."""
        target = START + self._plan.tick * tick
        while (when := self._agenda.next_time()) is not None and when <= target:
            self._travel(when)
            await self._agenda.do(self._stage.now)
        self._travel(target)
        self._outcome.lives = self._agenda.counts["lend"]
        await self._stage.sent()
        outage = self._outages.days.get((target - START).days)
        self._stage.worker_answers = outage != "worker"
        self._stage.set_line({"line": Line.AWAY, "answers": Line.MUTE}.get(outage or "", Line.SOUND))
        if outage == "worker":
            return
        await self._stage.transport.deliver(target)
        if outage == "crash":
            await self._stage.interrupted_sweep(self._chance.random() * 0.03)
        await self._stage.sweep()
        if tick % self._plan.audits_every == 0 and outage in {None, "crash"}:
            await self._audit(tick // self._plan.audits_every, is_last=tick == self._plan.ticks)

    def _travel(self, to: datetime) -> None:
        if to > self._stage.now:
            self._stage.clock.travel(to - self._stage.now)

    async def _audit(self, number: int, *, is_last: bool) -> None:
        self._outcome.found_by_audit += await self._stage.audit(number % 2)
        self._agenda.record("step", "*")
        if number % self._plan.looks_every == 0 or is_last:
            await self._stage.sent()
            judgement = self._judge.look(
                await self._stage.loan_reader.look(self._stage.now), await self._stage.loan_reader.works()
            )
            for delays in judgement.delays.values():
                self._delays += delays
                self._outcome.longest = max([self._outcome.longest, *delays])
            self._outcome.erased = self._judge.lines
            self._outcome.findings = self._judge.findings
            await self._stage.thin_outbox()

    def conclude(self) -> None:
        """Sum up."""
        outcome, delays = self._outcome, sorted(self._delays)
        if delays:
            outcome.median, outcome.longest = delays[len(delays) // 2], delays[-1]
        outcome.sightings = self._judge.sightings
        outcome.acts = self._agenda.counts
        outcome.sent = self._stage.transport.counts
        outcome.lost_answers = self._stage.line.lost_answers
        outcome.left = len(self._judge.life.loans)
        outcome.remembered = sum(each.entered for each in self._judge.life.remembering.values())
        outcome.recent = list(self._agenda.recent)


def _ids(act: dict[str, Any]) -> set[object]:
    found: set[object] = set()
    for value in act.values():
        found.update(value if isinstance(value, list) and all(isinstance(part, int) for part in value) else [])
        if isinstance(value, int):
            found.add(value)
    return found
