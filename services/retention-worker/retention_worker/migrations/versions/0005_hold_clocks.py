"""Legal holds go by the clock, which is told of those that there are."""

import sqlalchemy as sa
from alembic import op

from glem_retention.migrating import tell_clocks

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("legal_hold", sa.Column("clock_version", sa.Integer(), nullable=False, server_default="1"))
    op.alter_column("legal_hold", "clock_version", server_default=None)
    tell_clocks(
        "retention-worker",
        "glem.retention",
        "RetentionDataKept",
        "legal-hold",
        "SELECT agency, hold_id AS record_id, 1 AS version, least(ends_at, released_at) AS anchor FROM legal_hold",
    )
