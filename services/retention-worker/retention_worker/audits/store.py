"""All SQL about audits."""

from collections.abc import Sequence
from datetime import datetime

from glem.database import Database


async def registered_and_free(
    database: Database, record_class: str, record_ids: Sequence[int], now: datetime
) -> list[int]:
    """Return those of `record_ids` that are in the register, and under no legal hold at `now`.

    The hold is read from its own tables, because a registered record has no clock and so no `held_until`.
    """
    rows = await database.fetch(
        """
        SELECT n.record_id FROM unnest($2::bigint[]) AS n (record_id)
        JOIN register r ON r.record_class = $1 AND r.record_id = n.record_id
        WHERE NOT EXISTS (
            SELECT FROM held_record held JOIN legal_hold hold USING (hold_id)
            WHERE held.record_class = $1 AND held.record_id = n.record_id
              AND hold.released_at IS NULL AND hold.ends_at > $3
        )
        """,
        record_class,
        record_ids,
        now,
    )
    return [row["record_id"] for row in rows]
