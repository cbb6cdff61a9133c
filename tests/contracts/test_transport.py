"""What every transport promises: at least once, in order per key, to every group."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from glem.transport import Message, Transport, TransportError
from glem_contracts.events import TOPICS
from tests.glem.toys import until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.contracts.conftest import Bench

ALL_PASS = 60.0


async def publish_until_safe(transport: Transport, messages: Sequence[Message]) -> None:
    """What the relay does: the same messages again, until they are safe."""
    while True:
        with suppress(TransportError):
            await transport.publish(messages)
            return
        await asyncio.sleep(0.05)


async def test_every_group_gets_every_message(bench: Bench):
    groups = [bench.group(name) for name in ("one", "two", "three")]
    values = [b"%d" % number for number in range(500)]
    async with bench.opened(*groups, topics=("glem.loans", "glem.debts")) as transport:
        await transport.publish([bench.message(value, key=value) for value in values[:250]])
        await transport.publish([bench.message(value, key=value, topic="glem.debts") for value in values[250:]])
        for group in groups:
            await until(lambda group=group: set(group.values()) == set(values), seconds=ALL_PASS)


async def test_a_group_gets_its_topics_only(bench: Bench):
    group = bench.group()
    async with bench.opened(group, topics=("glem.debts",)) as transport:
        await transport.publish([bench.message(b"loan"), bench.message(b"debt", topic="glem.debts")])
        await transport.publish([bench.message(b"last", topic="glem.debts")])
        await until(lambda: b"last" in group.values(), seconds=ALL_PASS)
    assert set(group.values()) == {b"debt", b"last"}


async def test_messages_of_one_key_keep_their_order(bench: Bench):
    group = bench.group()
    async with bench.opened(group) as transport:
        for start in range(0, 400, 50):
            await transport.publish(
                [bench.message(b"%d" % number, key=number % 7) for number in range(start, start + 50)]
            )
        await until(lambda: len(group.values()) >= 400, seconds=ALL_PASS)
    for key in range(7):
        assert group.values(bench.key(key)) == [b"%d" % number for number in range(400) if number % 7 == key]


async def test_a_message_comes_as_it_went(bench: Bench):
    group = bench.group()
    message = bench.message(bytes(range(256)), key="ærø")
    async with bench.opened(group) as transport:
        await transport.publish([message])
        await until(group.values, seconds=ALL_PASS)
    assert group.handled == [message]


@pytest.mark.parametrize(
    "failure", [RuntimeError("bug"), ConnectionError("away"), TransportError("later"), KeyError("x")]
)
async def test_what_was_not_handled_comes_again(bench: Bench, failure: Exception):
    group = bench.group()
    group.failures = [failure]
    async with bench.opened(group) as transport:
        await publish_until_safe(transport, [bench.message(b"1"), bench.message(b"2")])
        await publish_until_safe(transport, [bench.message(b"3")])
        await until(lambda: group.values()[-1:] == [b"3"], seconds=ALL_PASS)
    assert list(dict.fromkeys(group.values())) == [b"1", b"2", b"3"]


async def test_a_group_that_fails_loses_nothing_for_the_others(bench: Bench):
    good, bad = bench.group("good"), bench.group("bad")
    bad.failures = [RuntimeError("again")] * 3
    values = [b"%d" % number for number in range(60)]
    async with bench.opened(good, bad) as transport:
        for start in range(0, 60, 20):
            await publish_until_safe(transport, [bench.message(value) for value in values[start : start + 20]])
        for group in (good, bad):
            await until(lambda group=group: set(group.values()) == set(values), seconds=ALL_PASS)
    for group in (good, bad):
        assert list(dict.fromkeys(group.values())) == values


async def test_a_slow_group_does_not_keep_a_message_from_the_others(bench: Bench):
    fast, slow = bench.group("fast"), bench.group("slow")
    slow.gate.clear()
    async with bench.opened(fast, slow) as transport:
        publishing = asyncio.create_task(publish_until_safe(transport, [bench.message(b"1")]))
        await until(lambda: fast.values() == [b"1"], seconds=ALL_PASS)
        assert slow.values() == []
        slow.gate.set()
        await until(lambda: slow.values() == [b"1"], seconds=ALL_PASS)
        await publishing


async def test_an_unknown_topic_is_refused_and_nothing_of_its_batch_is_sent(bench: Bench):
    group = bench.group()
    async with bench.opened(group) as transport:
        with pytest.raises(TransportError, match="unknown topic"):
            await transport.publish([bench.message(b"1"), bench.message(b"2", topic="glem.elsewhere")])
        await transport.publish([bench.message(b"3")])
        await until(lambda: b"3" in group.values(), seconds=ALL_PASS)
    assert group.values() == [b"3"]
    with pytest.raises(TransportError, match="unknown topic"):
        bench.transport().subscribe("x", ["glem.loans", "glem.elsewhere"], group.deliver)


async def test_a_message_of_a_megabyte_passes(bench: Bench):
    group = bench.group()
    value = bytes(range(250)) * 4000
    async with bench.opened(group) as transport:
        await transport.publish([bench.message(value), bench.message(b"small")])
        await until(lambda: len(group.values()) >= 2, seconds=ALL_PASS)
    assert group.values() == [value, b"small"]


async def test_nothing_to_publish_is_nothing(bench: Bench):
    async with bench.opened(bench.group()) as transport:
        await transport.publish([])


async def test_publish_before_anybody_listens_is_safe(bench: Bench):
    async with bench.opened() as transport:
        await transport.publish([bench.message(b"1")])
    assert transport.trouble() is None


async def test_a_process_that_dies_before_it_has_handled_a_batch_gets_it_after_its_restart(bench: Bench):
    before, after = bench.group(), bench.group()
    before.gate.clear()
    messages = [bench.message(b"1"), bench.message(b"2")]
    async with bench.opened(before) as transport:
        publishing = asyncio.create_task(transport.publish(messages))
        await asyncio.sleep(0.3)
        was_safe = publishing.done()
        publishing.cancel()
    assert before.values() == []
    async with bench.opened(after) as transport:
        # The relay of a transport that did not say "safe" has its rows unsent still.
        if not was_safe:
            await publish_until_safe(transport, messages)
        await until(lambda: len(after.values()) >= 2, seconds=ALL_PASS)
    assert list(dict.fromkeys(after.values())) == [b"1", b"2"]


async def test_a_restarted_group_goes_on_where_it_stopped(bench: Bench):
    before, after = bench.group(), bench.group()
    async with bench.opened(before) as transport:
        await transport.publish([bench.message(b"1")])
        await until(before.values, seconds=ALL_PASS)
        await until(lambda: no_lag(transport), seconds=ALL_PASS)
    async with bench.opened(after) as transport:
        await transport.publish([bench.message(b"2")])
        await until(lambda: b"2" in after.values(), seconds=ALL_PASS)
    assert after.values() == [b"2"]


async def no_lag(transport: Transport) -> bool:
    lag = await transport.lag()
    return bool(lag) and not any(lag.values())


async def test_lag_counts_what_is_not_handled_yet(bench: Bench):
    group = bench.group()
    async with bench.opened(group) as transport:
        await publish_until_safe(transport, [bench.message(b"0")])
        await until(lambda: no_lag(transport), seconds=ALL_PASS)
        group.gate.clear()
        publishing = asyncio.create_task(transport.publish([bench.message(b"%d" % n) for n in range(5)]))

        async def five() -> bool:
            return (await transport.lag()).get(group.name) == 5

        await until(five, seconds=ALL_PASS)
        group.gate.set()
        await publishing
        await until(lambda: no_lag(transport), seconds=ALL_PASS)


def test_all_topics_are_named_once():
    assert len(set(TOPICS)) == len(TOPICS)
