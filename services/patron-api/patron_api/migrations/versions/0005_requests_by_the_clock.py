"""Requests of patrons go by the clock: one class for exports, one for erasures, which begins when they are done or refused."""

import sqlalchemy as sa
from alembic import op

from glem_retention.migrating import tell_clocks

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.drop_index("export_request_end", "export_request")
    op.drop_column("export_request", "expires_at")
    op.create_index("export_request_age", "export_request", ["agency", "asked_at"])
    op.add_column("erasure_request", sa.Column("refused_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("erasure_request", sa.Column("clock_version", sa.Integer(), nullable=False, server_default="1"))
    op.alter_column("erasure_request", "clock_version", server_default=None)
    op.execute("UPDATE erasure_request SET refused_at = asked_at WHERE state = 'refused'")
    tell_clocks(
        "patron-api",
        "glem.patrons",
        "PatronDataKept",
        "export-request",
        "SELECT agency, export_id AS record_id, 1 AS version, asked_at AS anchor FROM export_request",
    )
    tell_clocks(
        "patron-api",
        "glem.patrons",
        "PatronDataKept",
        "erasure-request",
        "SELECT agency, request_id AS record_id, clock_version AS version, coalesce(done_at, refused_at) AS anchor"
        " FROM erasure_request",
    )
