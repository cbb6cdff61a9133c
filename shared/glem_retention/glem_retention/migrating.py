"""Telling the retention worker, in a migration, of the clocks of rows that were there before their class had one."""

import sqlalchemy as sa
from alembic import op

CLOCKS_IN_ONE_EVENT = 500


def tell_clocks(service: str, topic: str, event: str, record_class: str, rows: str) -> None:
    """Record events of type `event` in the outbox of `service` that tell the clocks of `rows`.

    `rows` is a query of (agency, record_id, version, anchor), a constant of the migration. Event and topic are named rather than
    imported: a migration must mean the same later. The envelope is that of `glem_contracts.events.envelope`, whose meaning never
    changes. One event holds many clocks, because a library may have a hundred thousand.
    """
    statement = f"""
        INSERT INTO outbox (topic, key, payload)
        SELECT :topic, min(record_id)::text, convert_to(json_build_object(
            'specversion', '1.0',
            'id', gen_random_uuid(),
            'type', CAST(:type AS text),
            'source', '/' || CAST(:service AS text) || '/' || agency,
            'subject', min(record_id)::text,
            'time', now(),
            'traceparent', NULL,
            'datacontenttype', 'application/json',
            'data', json_build_object('erased', '[]'::json, 'clocks', json_agg(json_build_object(
                'record_class', CAST(:record_class AS text),
                'record_id', record_id,
                'version', version,
                'anchor', anchor
            )))
        )::text, 'UTF8')
        FROM (
            SELECT agency, record_id, version, anchor,
                (row_number() OVER (PARTITION BY agency ORDER BY record_id) - 1) / :many AS part
            FROM ({rows}) AS known
        ) AS parted
        GROUP BY agency, part
    """  # noqa: S608  a constant of the migration
    op.get_bind().execute(
        sa.text(statement),
        {
            "topic": topic,
            "type": event,
            "service": service,
            "record_class": record_class,
            "many": CLOCKS_IN_ONE_EVENT,
        },
    )
