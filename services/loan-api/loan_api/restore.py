"""Erases again what a backup of loan-api brought back, by the lines of the register (H78, H80)."""

from collections.abc import Sequence
from functools import partial

from glem.database import Database, Transaction
from glem_contracts.events import DebtErased, LoanErased, ReservationCancelled
from glem_contracts.events.envelope import Erasure
from glem_retention.agencies import Agencies
from glem_retention.records import Records
from glem_retention.restore import Restorable
from loan_api.agency import Lending
from loan_api.base import row_of
from loan_api.borrowers.store import change_balance, find_borrower
from loan_api.closing.actions import forget_patron
from loan_api.debts import erasure
from loan_api.debts.rules import DEBT
from loan_api.reservations import store as queues
from loan_api.reservations.actions import release, shelf_of, tell_ready
from loan_api.reservations.tables import ReservationRow

# Added to versions after a restore, so that consumers do not ignore our events as old.
LEAP = 1 << 20


def restorable(database: Database, kept: Records) -> Restorable:
    """Return the restore of loan-api."""
    return Restorable(before_replay=partial(_raise_versions, database), erase_again=kept.replays())


async def _raise_versions(database: Database) -> None:
    await database.execute("UPDATE borrower SET balance_version = balance_version + $1", LEAP)


async def loans(lending: Lending, tx: Transaction, agency: str, _: str, loan_ids: Sequence[int]) -> int:
    """Delete loans; an item whose loan was open in the backup becomes free."""
    rows = await tx.fetch(
        "DELETE FROM loan WHERE loan_id = ANY($1::bigint[]) RETURNING loan_id, item_id, work_id, returned_at", loan_ids
    )
    for row in sorted(rows, key=lambda row: row["item_id"]):
        if row["returned_at"] is None:
            shelf = shelf_of(tx, lending[agency], agency, row["item_id"], row["work_id"])
            tell_ready(tx, await queues.pass_on(tx, shelf))
    if rows:
        erased = [Erasure(record_class="loan", record_ids=[row["loan_id"] for row in rows])]
        tx.record(agency, rows[0]["loan_id"], LoanErased(erased=erased))
    return len(rows)


async def debts(agencies: Agencies, tx: Transaction, agency: str, outcome: str, debt_ids: Sequence[int]) -> int:
    """Redact debts if that was the outcome, else delete them."""
    if outcome == "erased" or (outcome == "gone" and agencies[agency].retention[DEBT].action == "erase"):
        return await whole_debts(tx, agency, outcome, debt_ids)
    rows = await tx.fetch("SELECT debt_id FROM debt WHERE debt_id = ANY($1::bigint[]) AND NOT redacted", debt_ids)
    if rows:
        ids = [row["debt_id"] for row in rows]
        await erasure.redact(tx, ids)
        erased = [Erasure(record_class=DEBT, record_ids=ids, action="redact")]
        tx.record(agency, ids[0], DebtErased(erased=erased))
    return len(rows)


async def whole_debts(tx: Transaction, agency: str, _: str, debt_ids: Sequence[int]) -> int:
    """Delete debts with their ledger; reduce the balance of a patron who owed them in the backup."""
    rows = await tx.fetch(
        "SELECT debt_id, patron_id, balance FROM debt WHERE debt_id = ANY($1::bigint[]) ORDER BY patron_id, debt_id",
        debt_ids,
    )
    for row in rows:
        if row["balance"] and await find_borrower(tx, row["patron_id"]) is not None:
            await change_balance(tx, row["patron_id"], -row["balance"])
    if rows:
        ids = [row["debt_id"] for row in rows]
        await erasure.erase(tx, agency, ids)
        tx.record(agency, ids[0], DebtErased(erased=[Erasure(record_class=DEBT, record_ids=ids)]))
    return len(rows)


async def reservations(lending: Lending, tx: Transaction, agency: str, _: str, ids: Sequence[int]) -> int:
    """Delete reservations, and give the items that waited for them to the next."""
    records = await tx.fetch("DELETE FROM reservation WHERE reservation_id = ANY($1::bigint[]) RETURNING *", ids)
    rows = [row_of(ReservationRow, record) for record in records]
    for row in rows:
        erased = [Erasure(record_class="reservation", record_ids=[row.reservation_id])]
        tx.record(agency, row.reservation_id, ReservationCancelled(patron_id=row.patron_id, erased=erased))
    await release(tx, lending[agency], rows)
    return len(rows)


async def patrons(lending: Lending, tx: Transaction, agency: str, _: str, ids: Sequence[int]) -> int:
    """Reduce erased patrons to their random ids (H80)."""
    rows = await tx.fetch(
        "SELECT patron_id FROM borrower WHERE patron_id = ANY($1::bigint[]) AND NOT erased ORDER BY patron_id", ids
    )
    for row in rows:
        await forget_patron(tx, lending, agency, row["patron_id"])
    return len(rows)
