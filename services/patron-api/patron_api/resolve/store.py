"""The SQL of what other services ask: one statement for up to 500 patrons."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from glem.database import Database


async def reachable(
    database: Database, patron_ids: Sequence[int], note_cutoffs: Mapping[str, datetime]
) -> list[dict[str, Any]]:
    """Return for each patron who is there how to reach them; `note_cutoffs` is by agency."""
    rows = await database.fetch(
        """
        SELECT p.patron_id, p.agency, p.language, p.name, p.protected, phone.value AS sms, mail.value AS email,
            s.open AS sms_consent, e.open AS email_consent, n.content AS patron_note,
            EXISTS (SELECT FROM block b WHERE b.patron_id = p.patron_id AND b.code = 'D' AND b.lifted_at IS NULL)
                AS deceased
        FROM patron p
        LEFT JOIN contact phone ON phone.patron_id = p.patron_id AND phone.channel = 'phone' AND phone.receives
        LEFT JOIN contact mail ON mail.patron_id = p.patron_id AND mail.channel = 'email' AND mail.receives
        LEFT JOIN LATERAL (SELECT bool_or(withdrawn_at IS NULL) AS open FROM consent c
            WHERE c.patron_id = p.patron_id AND c.purpose = 'sms') s ON true
        LEFT JOIN LATERAL (SELECT bool_or(withdrawn_at IS NULL) AS open FROM consent c
            WHERE c.patron_id = p.patron_id AND c.purpose = 'email') e ON true
        LEFT JOIN unnest($2::text[], $3::timestamptz[]) AS cut(agency, at) ON cut.agency = p.agency
        LEFT JOIN note n ON n.patron_id = p.patron_id AND n.kind = 'patron' AND n.written_at > cut.at
        WHERE p.patron_id = ANY($1::bigint[])
        """,
        list(patron_ids),
        list(note_cutoffs),
        list(note_cutoffs.values()),
    )
    return [dict(row) for row in rows]
