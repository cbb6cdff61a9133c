"""A patron's rights: consent in writing, erasures, exports and who of the staff took one."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    timestamp = sa.DateTime(timezone=True)
    op.add_column("consent", sa.Column("signed_on", sa.Date(), nullable=True))
    op.add_column("consent", sa.Column("signed_by", sa.String(), nullable=True))
    op.create_table(
        "erasure_request",
        sa.Column("request_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("patron_id", sa.BigInteger(), nullable=True),
        sa.Column("when_clear", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("lending_done", sa.Boolean(), nullable=False),
        sa.Column("messages_done", sa.Boolean(), nullable=False),
        sa.Column("asked_at", timestamp, nullable=False),
        sa.Column("erased_at", timestamp, nullable=True),
        sa.Column("done_at", timestamp, nullable=True),
        sa.Column("next_try_at", timestamp, nullable=False),
        sa.PrimaryKeyConstraint("request_id"),
    )
    op.create_index(
        "erasure_request_patron",
        "erasure_request",
        ["patron_id"],
        unique=True,
        postgresql_where=sa.text("patron_id IS NOT NULL"),
    )
    op.create_index(
        "erasure_request_next",
        "erasure_request",
        ["next_try_at"],
        postgresql_where=sa.text("state IN ('asked', 'waiting', 'erasing')"),
    )
    op.create_table(
        "erased_patron",
        sa.Column("patron_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("patron_id"),
    )
    op.create_table(
        "export_request",
        sa.Column("export_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("patron_id", sa.BigInteger(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("asked_at", timestamp, nullable=False),
        sa.Column("expires_at", timestamp, nullable=False),
        sa.Column("downloads", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["patron_id"], ["patron.patron_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("export_id"),
    )
    op.create_index("export_request_end", "export_request", ["expires_at"])
    op.create_index("export_request_patron", "export_request", ["patron_id", "asked_at"])
    op.create_table(
        "access_log",
        sa.Column("entry_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("patron_id", sa.BigInteger(), nullable=False),
        sa.Column("staff", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", timestamp, nullable=False),
        sa.ForeignKeyConstraint(["patron_id"], ["patron.patron_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("entry_id"),
    )
    op.create_index("access_log_age", "access_log", ["agency", "at"])
    op.create_index("access_log_patron", "access_log", ["patron_id"])
