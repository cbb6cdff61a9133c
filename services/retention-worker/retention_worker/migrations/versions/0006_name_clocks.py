"""The names of who changed a policy, or let go what a breaker kept, go by the clock, which is told of those that there are."""

import sqlalchemy as sa
from alembic import op

from glem_retention.migrating import tell_clocks

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("breaker", sa.Column("acknowledgement_id", sa.BigInteger()))
    # 52 random bits each: as random as every id, and below 2^53.
    op.execute(
        "UPDATE breaker SET acknowledgement_id = ('x' || substr(md5(gen_random_uuid()::text), 1, 13))::bit(52)::bigint + 1"
        " WHERE acknowledged_by IS NOT NULL"
    )
    for record_class, rows in (
        (
            "policy-change",
            "SELECT agency, step AS record_id, 1 AS version, at AS anchor FROM policy_step WHERE account IS NOT NULL",
        ),
        (
            "breaker-acknowledgement",
            (
                "SELECT agency, acknowledgement_id AS record_id, 1 AS version, acknowledged_at AS anchor FROM breaker"
                " WHERE acknowledged_by IS NOT NULL"
            ),
        ),
    ):
        tell_clocks("retention-worker", "glem.retention", "RetentionDataKept", record_class, rows)
