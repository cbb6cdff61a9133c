"""What comes due by the calendar. Each pass looks at the state alone, so that a missed day is made up for by the next pass."""

from datetime import timedelta

from glem.clock import local_date
from glem.events import LoanDueSoon, LoanOverdue
from glem.service import Runtime
from loan_api.agency import Lending
from loan_api.calendar import store
from loan_api.reservations.actions import expire

BATCH = 500


async def remind(runtime: Runtime, lending: Lending) -> int:
    """Tell of loans that fall due soon, and of those that are late; return how many patrons and dates were told of.

    Only groups that get reminders (R16). Of reminders whose days have passed unseen only the latest is given (R61).
    """
    done = 0
    for agency in lending:
        done += await _due_soon(runtime, lending, agency)
        done += await _overdue(runtime, lending, agency)
    return done


async def pass_once(runtime: Runtime, lending: Lending) -> int:
    """End the reservations whose time has passed, and give the reminders of the day; return how much there was."""
    return await expire(runtime, lending) + await remind(runtime, lending)


def _reminded_groups(lending: Lending, agency: str) -> list[str]:
    return [name for name, group in lending[agency].groups.items() if group.reminders]


async def _due_soon(runtime: Runtime, lending: Lending, agency: str) -> int:
    days = lending[agency].due_soon_days
    if days == 0:
        return 0
    async with runtime.database.transaction() as tx:
        today = local_date(tx.now)
        until = today + timedelta(days=days)
        told = await store.tell_due_soon(tx, agency, today, until, _reminded_groups(lending, agency), BATCH)
        for patron_id, due_on, loan_ids in told:
            tx.record(agency, loan_ids[0], LoanDueSoon(patron_id=patron_id, loan_ids=loan_ids, due_on=due_on))
    return len(told)


async def _overdue(runtime: Runtime, lending: Lending, agency: str) -> int:
    days = lending[agency].reminder_days
    async with runtime.database.transaction() as tx:
        today = local_date(tx.now)
        told = await store.tell_overdue(tx, agency, today, days, _reminded_groups(lending, agency), BATCH)
        for patron_id, due_on, reminder, loan_ids in told:
            late = LoanOverdue(patron_id=patron_id, loan_ids=loan_ids, due_on=due_on, reminder=reminder)
            tx.record(agency, loan_ids[0], late)
    return len(told)
