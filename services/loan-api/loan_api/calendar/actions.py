"""What comes due by the calendar. Each pass looks at the state alone, so that a missed day is made up for by the next pass."""

from datetime import date, timedelta

from glem.clock import local_date
from glem_contracts.events import LoanDueSoon, LoanOverdue
from glem_retention.runtime import Runtime
from loan_api.agency import Lending
from loan_api.calendar import store
from loan_api.calendar.store import Reminding
from loan_api.reservations.actions import expire

BATCH = 500


async def remind(runtime: Runtime, lending: Lending) -> int:
    """Tell of loans that fall due soon, and of those that are late; return how many patrons and dates were told of.

    Only groups that get reminders (R16). Of reminders whose days have passed unseen only the latest is given (R61).
    """
    done = 0
    for agency in lending:
        own = _reminding(lending, agency, local_date(runtime.clock.now()))
        found = await store.look(runtime.database, own)
        if found.soon:
            done += await _due_soon(runtime, own)
        if found.late:
            done += await _overdue(runtime, own)
    return done


async def pass_once(runtime: Runtime, lending: Lending) -> int:
    """End the reservations whose time has passed, and give the reminders of the day; return how much there was."""
    return await expire(runtime, lending) + await remind(runtime, lending)


def _reminding(lending: Lending, agency: str, today: date) -> Reminding:
    own = lending[agency]
    groups = [name for name, group in own.groups.items() if group.reminders]
    # Without days to warn on, no due date lies between.
    until = today + timedelta(days=own.due_soon_days or -1)
    return Reminding(agency, today, until, groups, own.reminder_days)


async def _due_soon(runtime: Runtime, own: Reminding) -> int:
    async with runtime.database.transaction() as tx:
        told = await store.tell_due_soon(tx, own, BATCH)
        for patron_id, due_on, loan_ids in told:
            tx.record(own.agency, loan_ids[0], LoanDueSoon(patron_id=patron_id, loan_ids=loan_ids, due_on=due_on))
    return len(told)


async def _overdue(runtime: Runtime, own: Reminding) -> int:
    async with runtime.database.transaction() as tx:
        told = await store.tell_overdue(tx, own, BATCH)
        for patron_id, due_on, reminder, loan_ids in told:
            late = LoanOverdue(patron_id=patron_id, loan_ids=loan_ids, due_on=due_on, reminder=reminder)
            tx.record(own.agency, loan_ids[0], late)
    return len(told)
