"""All SQL about borrowers."""

from collections.abc import Sequence

from glem.database import Transaction
from loan_api.base import Reader, row_of
from loan_api.borrowers.tables import BorrowerRow

SAVE = """
INSERT INTO borrower AS known (patron_id, agency, version, erased, patron_group, age_band, home_branch, blocks,
    absent_from, absent_until, balance, balance_version)
SELECT patron_id, agency, version, false, patron_group, age_band, home_branch, string_to_array(blocks, ','),
    absent_from, absent_until, 0, 0
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::int[], $6::text[], $7::text[], $8::date[], $9::date[])
    AS news (patron_id, agency, version, patron_group, age_band, home_branch, blocks, absent_from, absent_until)
ORDER BY patron_id
ON CONFLICT (patron_id) DO UPDATE SET version = excluded.version, patron_group = excluded.patron_group,
    age_band = excluded.age_band, home_branch = excluded.home_branch, blocks = excluded.blocks,
    absent_from = excluded.absent_from, absent_until = excluded.absent_until
WHERE known.version < excluded.version AND NOT known.erased
"""

TOMBSTONE = """
INSERT INTO borrower (patron_id, agency, version, erased, blocks, balance, balance_version)
SELECT unnest($1::bigint[]), unnest($2::text[]), 0, true, '{}', 0, 0
ON CONFLICT (patron_id) DO UPDATE SET erased = true, version = 0, patron_group = NULL, age_band = NULL,
    home_branch = NULL, blocks = '{}', absent_from = NULL, absent_until = NULL, balance = 0
"""


async def lock_borrower(tx: Transaction, patron_id: int) -> BorrowerRow | None:
    """Return the borrower, locked until the transaction ends; an erased one too (see its `erased`)."""
    record = await tx.fetchrow("SELECT * FROM borrower WHERE patron_id = $1 FOR UPDATE", patron_id)
    return None if record is None else row_of(BorrowerRow, record)


async def find_borrower(reader: Reader, patron_id: int) -> BorrowerRow | None:
    """Return the borrower as it is now, unlocked."""
    record = await reader.fetchrow("SELECT * FROM borrower WHERE patron_id = $1", patron_id)
    return None if record is None else row_of(BorrowerRow, record)


async def change_balance(tx: Transaction, patron_id: int, delta: int) -> tuple[int, int]:
    """Move what the patron owes by `delta` øre; return the new balance and its version. The borrower must exist."""
    [record] = await tx.fetch(
        """UPDATE borrower SET balance = balance + $2, balance_version = balance_version + 1
        WHERE patron_id = $1 RETURNING balance, balance_version""",
        patron_id,
        delta,
    )
    return record["balance"], record["balance_version"]


async def save_snapshots(tx: Transaction, columns: Sequence[Sequence[object]]) -> None:
    """Write snapshots, one list per column as SAVE names them, a patron at most once; an older or erased one changes nothing."""
    await tx.execute(SAVE, *columns)


async def entomb(tx: Transaction, patron_ids: Sequence[int], agencies: Sequence[str]) -> None:
    """Leave of these patrons no more than their random ids, so that late events about them change nothing (H7)."""
    await tx.execute(TOMBSTONE, patron_ids, agencies)
