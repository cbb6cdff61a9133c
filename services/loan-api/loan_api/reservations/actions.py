"""Placing, changing and ending reservations. One that ends is deleted in the transaction that ends it (R46, R47)."""

from collections.abc import Sequence
from datetime import date, timedelta

import asyncpg

from glem.clock import local_date
from glem.database import Transaction
from glem.identity import Principal
from glem.ids import new_id
from glem.problems import Refusal
from glem_contracts.events import (
    ReservationCancelled,
    ReservationChanged,
    ReservationExpired,
    ReservationPlaced,
    ReservationReady,
)
from glem_contracts.events.envelope import Erasure
from glem_retention.runtime import Runtime
from loan_api.again import again
from loan_api.agency import Lending, LendingRules
from loan_api.borrowers.problems import UNKNOWN_BRANCH, UNKNOWN_PATRON
from loan_api.borrowers.store import lock_borrower
from loan_api.homebound import actions as homebound
from loan_api.homebound.rules import may_have_again
from loan_api.reservations import store
from loan_api.reservations.problems import RESERVATION_GONE, RESERVATION_READY
from loan_api.reservations.rules import Wanted, interest_end, may_reserve
from loan_api.reservations.schemas import Change, ReservationView
from loan_api.reservations.tables import ReservationRow
from loan_api.works.problems import UNKNOWN_WORK

BATCH = 200


@again
async def place(
    runtime: Runtime,
    lending: Lending,
    *,
    patron_id: int,
    work_id: str,
    pickup_branch: str | None = None,
    expires_on: date | None = None,
    again: bool = False,
) -> ReservationView | Refusal:
    """Put a patron, met before, into a work's queue; `again` though the homebound patron has had it."""
    async with runtime.database.transaction() as tx:
        borrower = await lock_borrower(tx, patron_id)
        if borrower is None or borrower.erased:
            return UNKNOWN_PATRON()
        agency, rules, today = borrower.agency, lending[borrower.agency], local_date(tx.now)
        record = await store.read_wanted(tx, agency, work_id, patron_id)
        if record is None:
            return UNKNOWN_WORK()
        wanted = Wanted(**record)
        age_limit = wanted.age_limit if lending.uses_age_limits(agency) else 0
        refusal = may_reserve(borrower, agency, rules, wanted, age_limit=age_limit) or may_have_again(
            had_before=await homebound.has_had(tx, runtime, borrower, work_id), again=again
        )
        branch = pickup_branch or borrower.home_branch or "-"
        until = interest_end(expires_on, rules, today)
        if refusal is not None:
            return refusal
        if isinstance(until, Refusal):
            return until
        if branch not in runtime.agencies[agency].identity.branches:
            return UNKNOWN_BRANCH(branch=branch)
        row = ReservationRow(
            new_id(), agency, patron_id, work_id, branch, tx.now, until, "queued", None, None, None, None
        )
        await store.insert(tx, row)
        tx.record(agency, row.reservation_id, ReservationPlaced(patron_id=patron_id, pickup_branch=branch))
        [placed] = [await store.find(tx, row.reservation_id)]
        return view(placed) if placed else RESERVATION_GONE()


@again
async def cancel(runtime: Runtime, lending: Lending, principal: Principal, reservation_id: int) -> Refusal | None:
    """Delete a reservation at once, and give an item that waited for it to the next (R47)."""
    async with runtime.database.transaction() as tx:
        row = await _lock(tx, principal, reservation_id)
        if isinstance(row, Refusal):
            return row
        await store.delete(tx, reservation_id)
        erased = [Erasure(record_class="reservation", record_ids=[reservation_id])]
        tx.record(row.agency, reservation_id, ReservationCancelled(patron_id=row.patron_id, erased=erased))
        await release(tx, lending[row.agency], [row])
    return None


@again
async def change(
    runtime: Runtime, lending: Lending, principal: Principal, reservation_id: int, wish: Change
) -> ReservationView | Refusal:
    """Change the pick-up branch or the interest period."""
    async with runtime.database.transaction() as tx:
        row = await _lock(tx, principal, reservation_id)
        if isinstance(row, Refusal):
            return row
        branch = wish.pickup_branch or row.pickup_branch
        if branch != row.pickup_branch and row.state == "ready":
            return RESERVATION_READY()
        if branch not in runtime.agencies[row.agency].identity.branches:
            return UNKNOWN_BRANCH(branch=branch)
        until = interest_end(wish.expires_on or row.expires_on, lending[row.agency], local_date(tx.now))
        if isinstance(until, Refusal):
            return until
        await store.change(tx, reservation_id, branch, until)
        tx.record(row.agency, reservation_id, ReservationChanged(patron_id=row.patron_id))
        changed = await store.find(tx, reservation_id)
        return view(changed) if changed else RESERVATION_GONE()


async def of_patron(runtime: Runtime, patron_id: int) -> list[ReservationView]:
    """Return a patron's reservations."""
    return [view(record) for record in await store.of_patron(runtime.database, patron_id)]


async def expire(runtime: Runtime, lending: Lending) -> int:
    """End reservations whose interest period or pick-up deadline has passed; return how many (R46)."""
    ended = 0
    today = local_date(runtime.clock.now())
    for agency in lending:
        patrons = await store.patrons_of_expired(runtime.database, agency, today, BATCH)
        if patrons:
            ended += await _expire(runtime, lending[agency], patrons)
    return ended


@again
async def _expire(runtime: Runtime, rules: LendingRules, patrons: Sequence[int]) -> int:
    async with runtime.database.transaction() as tx:
        rows = await store.delete_expired(tx, patrons, local_date(tx.now))
        for row in rows:
            erased = [Erasure(record_class="reservation", record_ids=[row.reservation_id])]
            data = ReservationExpired(patron_id=row.patron_id, not_picked_up=row.state == "ready", erased=erased)
            tx.record(row.agency, row.reservation_id, data)
        await release(tx, rules, rows)
    return len(rows)


async def erase_reservations(tx: Transaction, rules: LendingRules, patron_id: int) -> None:
    """Delete all reservations of a patron who goes (R32)."""
    rows = await store.delete_of_patron(tx, patron_id)
    for row in rows:
        erased = [Erasure(record_class="reservation", record_ids=[row.reservation_id])]
        tx.record(row.agency, row.reservation_id, ReservationCancelled(patron_id=patron_id, erased=erased))
    await release(tx, rules, rows)


async def release(tx: Transaction, rules: LendingRules, rows: Sequence[ReservationRow]) -> None:
    """Give the items that waited for these (deleted) reservations to the next in their queues."""
    for row in sorted(rows, key=lambda row: row.item_id or 0):
        if row.item_id is not None:
            ready = await store.pass_on(tx, shelf_of(tx, rules, row.agency, row.item_id, row.work_id))
            tell_ready(tx, ready)


def shelf_of(tx: Transaction, rules: LendingRules, agency: str, item_id: int, work_id: str) -> store.Shelf:
    """Return what `pass_on` needs to know of an item that comes free now."""
    today = local_date(tx.now)
    return store.Shelf(item_id, agency, work_id, today, tx.now, today + timedelta(days=rules.pickup_days))


def tell_ready(tx: Transaction, ready: ReservationRow | None) -> None:
    """Record that a reservation became ready, if one did."""
    if ready is not None and ready.pickup_deadline is not None and ready.pickup_number is not None:
        data = ReservationReady(
            patron_id=ready.patron_id,
            pickup_branch=ready.pickup_branch,
            pickup_deadline=ready.pickup_deadline,
            pickup_number=ready.pickup_number,
        )
        tx.record(ready.agency, ready.reservation_id, data)


def view(record: asyncpg.Record) -> ReservationView:
    """Shape a reservation as `store.find` reads it."""
    fields = dict(record)
    return ReservationView(**{**fields, "position": fields["position"] if fields["state"] == "queued" else None})


async def _lock(tx: Transaction, principal: Principal, reservation_id: int) -> ReservationRow | Refusal:
    """Lock the patron, then the reservation, as every action does."""
    found = await store.find(tx, reservation_id)
    if found is None:
        return RESERVATION_GONE()
    principal.at(found["agency"])
    principal.about(found["patron_id"], others="circulation:write")
    await lock_borrower(tx, found["patron_id"])
    return await store.lock(tx, reservation_id) or RESERVATION_GONE()
