"""The SQL of patrons."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from glem.database import Database, Transaction
from patron_api.cpr import Cpr
from patron_api.guardians.tables import GUARDIANS

BLOCK_ORDER = ["D", "O", "F", "U", "S", "E", "W"]
LENDING_COLUMNS = """
    p.patron_id, p.agency, p.version, p.patron_group, p.age_band, p.home_branch,
    ARRAY(SELECT b.code FROM block b WHERE b.patron_id = p.patron_id AND b.lifted_at IS NULL
          ORDER BY array_position($2::text[], b.code), b.code) AS blocks,
    (SELECT a.from_day FROM absence a WHERE a.patron_id = p.patron_id AND (a.anchor IS NULL OR a.anchor > $3))
        AS absent_from,
    (SELECT a.until_day FROM absence a WHERE a.patron_id = p.patron_id AND (a.anchor IS NULL OR a.anchor > $3))
        AS absent_until"""


@dataclass(frozen=True, slots=True)
class PatronRow:
    """A patron as its row has it, without what is for log-in."""

    patron_id: int
    agency: str
    cpr: Cpr
    name: str
    protected: bool
    municipality: str
    patron_group: str
    age_band: int
    home_branch: str
    language: str

    @property
    def born(self) -> date:
        """The birth date, which the CPR number tells."""
        return self.cpr.birth_date


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """Anchors at and before which records of each class are invisible."""

    absence: datetime
    internal_note: datetime
    patron_note: datetime
    lifted_block: datetime
    guardian: datetime


async def insert(tx: Transaction, row: PatronRow, pin_hash: str) -> bool:
    """Store a new patron; False when the CPR number is registered at the agency already."""
    made = await tx.fetchval(
        "INSERT INTO patron (patron_id, agency, version, cpr, birth_date, name, protected, municipality, patron_group,"
        " age_band, home_branch, language, registered_at, pin_hash, failed_logins, owes, balance_version)"
        " VALUES ($1, $2, 0, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, false, 0)"
        " ON CONFLICT (agency, cpr) DO NOTHING RETURNING patron_id",
        row.patron_id,
        row.agency,
        row.cpr.reveal(),
        row.born,
        row.name,
        row.protected,
        row.municipality,
        row.patron_group,
        row.age_band,
        row.home_branch,
        row.language,
        tx.now,
        pin_hash,
    )
    return made is not None


async def id_of(tx: Transaction, agency: str, cpr: Cpr) -> int | None:
    """Return the id of the patron with a CPR number at an agency."""
    found: int | None = await tx.fetchval(
        "SELECT patron_id FROM patron WHERE agency = $1 AND cpr = $2", agency, cpr.reveal()
    )
    return found


async def lock(tx: Transaction, patron_id: int) -> PatronRow | None:
    """Read and lock a patron; the first statement of every change."""
    row = await tx.fetchrow(
        "SELECT patron_id, agency, cpr, birth_date, name, protected, municipality, patron_group, age_band, home_branch,"
        " language FROM patron WHERE patron_id = $1 FOR UPDATE",
        patron_id,
    )
    if row is None:
        return None
    fields = {name: value for name, value in row.items() if name not in {"cpr", "birth_date"}}
    return PatronRow(cpr=Cpr.stored(row["cpr"], row["birth_date"]), **fields)


async def save(tx: Transaction, row: PatronRow) -> None:
    """Write a locked patron back; the old values are gone. Raises asyncpg.UniqueViolationError for a CPR number in use."""
    await tx.execute(
        "UPDATE patron SET cpr = $2, birth_date = $3, name = $4, protected = $5, municipality = $6, patron_group = $7,"
        " age_band = $8, home_branch = $9, language = $10 WHERE patron_id = $1",
        row.patron_id,
        row.cpr.reveal(),
        row.born,
        row.name,
        row.protected,
        row.municipality,
        row.patron_group,
        row.age_band,
        row.home_branch,
        row.language,
    )


async def count_up(tx: Transaction, patron_ids: Sequence[int], absence_cutoff: datetime) -> list[dict[str, Any]]:
    """Count the versions of patrons up and return what lending needs to know of each."""
    rows = await tx.fetch(
        "UPDATE patron p SET version = version + 1 WHERE p.patron_id = ANY($1::bigint[]) RETURNING "  # noqa: S608  a constant
        + LENDING_COLUMNS,
        list(patron_ids),
        BLOCK_ORDER,
        absence_cutoff,
    )
    return [dict(row) for row in rows]


async def snapshot(database: Database, patron_id: int, absence_cutoff: datetime) -> dict[str, Any] | None:
    """Return what lending needs to know of a patron, as last told."""
    row = await database.fetchrow(
        "SELECT " + LENDING_COLUMNS + " FROM patron p WHERE p.patron_id = $1",  # noqa: S608  a constant
        patron_id,
        BLOCK_ORDER,
        absence_cutoff,
    )
    return dict(row) if row else None


async def agency_of(database: Database, patron_id: int) -> str | None:
    """Return the agency of a patron."""
    agency: str | None = await database.fetchval("SELECT agency FROM patron WHERE patron_id = $1", patron_id)
    return agency


async def read_whole(database: Database, patron_id: int, cutoffs: Cutoffs) -> dict[str, Any] | None:
    """Return everything that is kept of a patron and is not due, in one round trip."""
    row = await database.fetchrow(
        f"""
        SELECT p.patron_id, p.agency, p.cpr, p.birth_date, p.name, p.protected, p.municipality, p.patron_group,
            p.home_branch, p.language, p.registered_at,
            (SELECT to_jsonb(a) FROM address a WHERE a.patron_id = p.patron_id AND a.kind = 'home') AS address,
            (SELECT to_jsonb(a) FROM address a WHERE a.patron_id = p.patron_id AND a.kind = 'co') AS co_address,
            (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'number', value, 'receives', receives)
                ORDER BY receives DESC, value), '[]') FROM contact c
                WHERE c.patron_id = p.patron_id AND channel = 'phone') AS phones,
            (SELECT coalesce(jsonb_agg(jsonb_build_object('address', value, 'receives', receives)
                ORDER BY receives DESC, value), '[]') FROM contact c
                WHERE c.patron_id = p.patron_id AND channel = 'email') AS emails,
            (SELECT coalesce(jsonb_object_agg(purpose, open), '{{}}') FROM (SELECT purpose,
                bool_or(withdrawn_at IS NULL) AS open FROM consent s WHERE s.patron_id = p.patron_id GROUP BY purpose) d)
                AS consents,
            (SELECT jsonb_build_object('from', from_day, 'until', until_day) FROM absence a
                WHERE a.patron_id = p.patron_id AND (a.anchor IS NULL OR a.anchor > $2)) AS absence,
            (SELECT coalesce(jsonb_agg(jsonb_build_object('code', code, 'reason', reason, 'since', since,
                'lifted_at', lifted_at) ORDER BY lifted_at NULLS FIRST, array_position($7::text[], code)), '[]')
                FROM block b WHERE b.patron_id = p.patron_id AND (lifted_at IS NULL OR lifted_at > $5)) AS blocks,
            (SELECT coalesce(jsonb_agg(jsonb_build_object('card_id', card_id, 'kind', kind, 'number', number)
                ORDER BY kind, card_id), '[]') FROM card k WHERE k.patron_id = p.patron_id) AS cards,
            (SELECT jsonb_build_object('text', content, 'written_at', written_at) FROM note n
                WHERE n.patron_id = p.patron_id AND kind = 'internal' AND written_at > $3) AS internal_note,
            (SELECT jsonb_build_object('text', content, 'written_at', written_at) FROM note n
                WHERE n.patron_id = p.patron_id AND kind = 'patron' AND written_at > $4) AS patron_note,
            (SELECT to_jsonb(g) FROM guardian g
                WHERE g.patron_id = p.patron_id AND {GUARDIANS.visible("$6")}) AS guardian
        FROM patron p WHERE p.patron_id = $1
        """,  # noqa: S608  a declaration
        patron_id,
        cutoffs.absence,
        cutoffs.internal_note,
        cutoffs.patron_note,
        cutoffs.lifted_block,
        cutoffs.guardian,
        BLOCK_ORDER,
    )
    return dict(row) if row else None


async def search(database: Database, agency: str, name: str, limit: int, *, protected: bool) -> list[dict[str, Any]]:
    """Find patrons of an agency by the beginning of the name; those with a protected name only where `protected`."""
    rows = await database.fetch(
        "SELECT patron_id, name, birth_date, protected FROM patron WHERE agency = $1 AND lower(name) LIKE $2"
        " AND (NOT protected OR $4) ORDER BY lower(name), patron_id LIMIT $3",
        agency,
        name.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%",
        limit,
        protected,
    )
    return [dict(row) for row in rows]


async def brief(database: Database, patron_id: int) -> dict[str, Any] | None:
    """Return the line of one patron in a list."""
    row = await database.fetchrow(
        "SELECT patron_id, name, birth_date, protected FROM patron WHERE patron_id = $1", patron_id
    )
    return dict(row) if row else None


async def pass_bands(
    tx: Transaction, agency: str, bands: Sequence[int], latest_births: Sequence[date], limit: int
) -> list[int]:
    """Write the age band of patrons who have passed one; `latest_births` says who has reached each band."""
    rows = await tx.fetch(
        """
        WITH passed AS (
            SELECT p.patron_id, t.band FROM patron p, LATERAL (
                SELECT coalesce(max(band), 0) AS band FROM unnest($2::int[], $3::date[]) AS b(band, born)
                WHERE p.birth_date <= b.born) t
            WHERE p.agency = $1 AND p.age_band <> t.band LIMIT $4 FOR UPDATE OF p SKIP LOCKED)
        UPDATE patron p SET age_band = passed.band FROM passed WHERE p.patron_id = passed.patron_id
        RETURNING p.patron_id
        """,
        agency,
        list(bands),
        list(latest_births),
        limit,
    )
    return [row[0] for row in rows]
