"""With the worker asleep, a marked record of every class falls due, and everything that can be read is read by everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from glem_contracts.record_classes import RECORD_CLASSES
from tests.conformance import checks
from tests.conformance.test_conformance import CLOCKED

if TYPE_CHECKING:
    from tests.conformance.house import House

ROLES = (
    "stranger",
    "librarian",
    "administrator",
    "dpo",
    "automat",
    "dashboard",
    "patron-api",
    "loan-api",
    "notifier",
    "retention-worker",
)


@pytest.mark.timeout(900)
async def test_what_is_due_is_seen_nowhere_by_anybody(house: House):
    # What takes time to come about first, so that nothing else is due before it is looked at.
    names = sorted(CLOCKED, key=lambda name: name != "homebound-work")
    planted = [await checks.plant(house, name) for name in names]
    await house.suite.settle()
    before = await checks.crawl(house, planted, ("librarian", "dpo"))
    await checks.make_due(house, *planted)
    for one in planted:
        assert await checks.is_there(house, one), f"{one.record_class}: swept while the worker slept"
    found = await checks.crawl(house, planted, ROLES)
    assert not found, "\n".join(found)
    seen = {line.split(":", 1)[0] for line in before}
    unseen = {one.record_class for one in planted} - seen
    assert not unseen, f"the crawl sees nothing of these while they are kept, so it proves nothing of them: {unseen}"


def test_the_crawl_knows_every_service(house: House):
    paths = checks.routes(house)
    assert {path.split("/")[1] for path in paths} == {item.owner for item in RECORD_CLASSES.values()}
    assert len(paths) > 30
