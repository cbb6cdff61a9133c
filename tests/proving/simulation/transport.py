"""A transport that is nobody's friend: it loses, doubles, delays and shuffles what the outbox hands over."""

import heapq
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from glem.transport import Deliver, Message, check_topics

BATCH = 1000


@dataclass(frozen=True)
class Weather:
    """How hostile the transport is: shares of all events, and the longest delay."""

    lost: float = 0.03
    doubled: float = 0.08
    delayed: float = 0.15
    longest: timedelta = timedelta(days=6)


class HostileTransport:
    """Takes everything at once, and delivers when told to; several processes may share a group."""

    def __init__(self, chance: Random, weather: Weather, now: Callable[[], datetime]) -> None:
        """Decide by `chance`; time is `now`'s."""
        self._chance = chance
        self._weather = weather
        self._now = now
        self._groups: dict[str, list[Deliver]] = {}
        self._topics: dict[str, set[str]] = {}
        self._queue: list[tuple[datetime, float, int, Message]] = []
        self._number = 0
        self.counts: Counter[str] = Counter()

    def subscribe(self, group: str, topics: Sequence[str], deliver: Deliver) -> None:
        """Let `deliver` have some of the messages of `topics`, turn by turn with the group's others."""
        check_topics(topics)
        self._groups.setdefault(group, []).append(deliver)
        self._topics.setdefault(group, set()).update(topics)

    async def start(self) -> None:
        """Nothing to connect to."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Take `messages`, and decide what becomes of each."""
        now, weather = self._now(), self._weather
        for message in messages:
            self.counts["sent"] += 1
            if self._chance.random() < weather.lost:
                self.counts["lost"] += 1
                continue
            copies = 1
            if self._chance.random() < weather.doubled:
                self.counts["doubled"] += 1
                copies = 2
            for copy in range(copies):
                delay = timedelta()
                if copy or self._chance.random() < weather.delayed:
                    self.counts["delayed"] += 1
                    delay = weather.longest * self._chance.random()
                self._put(now + delay, message)

    def _put(self, at: datetime, message: Message) -> None:
        self._number += 1
        heapq.heappush(self._queue, (at, self._chance.random(), self._number, message))

    async def deliver(self, now: datetime) -> int:
        """Deliver, in no order at all, what has arrived by `now`; return how much."""
        arrived: list[Message] = []
        while self._queue and self._queue[0][0] <= now:
            arrived.append(heapq.heappop(self._queue)[3])
        self._chance.shuffle(arrived)
        await self.hand_over(arrived)
        return len(arrived)

    async def rewind(self, group: str) -> None:
        """Nothing is kept here that could come again."""

    async def taken(self) -> dict[str, int]:
        """Nothing is kept here that could be lost."""
        return {}

    async def hand_over(self, messages: Sequence[Message]) -> None:
        """Deliver `messages` now and in this order, as a transport does that is well."""
        for group, members in self._groups.items():
            wanted = [message for message in messages if message.topic in self._topics[group]]
            for start in range(0, len(wanted), BATCH):
                await self._chance.choice(members)(wanted[start : start + BATCH])

    def trouble(self) -> str | None:
        """Its trouble is not to be known."""
        return None

    async def lag(self) -> dict[str, int]:
        """Return how many messages are on their way."""
        return {group: len(self._queue) for group in self._groups}

    async def stop(self) -> None:
        """Nothing to disconnect from."""
