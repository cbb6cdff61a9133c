"""Guardians go by the clock: from the child's 18th birthday, held while the child owes."""

import sqlalchemy as sa
from alembic import op

from glem_retention.migrating import tell_clocks

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    timestamp = sa.DateTime(timezone=True)
    op.add_column("guardian", sa.Column("cleared_at", timestamp, nullable=True))
    op.add_column("guardian", sa.Column("anchor", timestamp, nullable=True))
    op.add_column("guardian", sa.Column("clock_version", sa.Integer(), nullable=False, server_default="1"))
    op.alter_column("guardian", "clock_version", server_default=None)
    op.execute(
        "UPDATE guardian SET anchor = until_day::timestamp AT TIME ZONE 'Europe/Copenhagen'"
        " FROM patron WHERE patron.patron_id = guardian.patron_id AND NOT patron.owes"
    )
    tell_clocks(
        "patron-api",
        "glem.patrons",
        "PatronDataKept",
        "guardian",
        "SELECT agency, guardian_id AS record_id, clock_version AS version, anchor FROM guardian",
    )
