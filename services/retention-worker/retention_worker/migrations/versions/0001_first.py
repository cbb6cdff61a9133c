"""The first tables: clocks, the append-only register, the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    timestamp = sa.DateTime(timezone=True)
    op.create_table(
        "clock",
        sa.Column("record_class", sa.String(), primary_key=True),
        sa.Column("record_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("anchor", timestamp),
        sa.Column("leased_until", timestamp),
        sa.Column("not_before", timestamp),
        sa.Column("tries", sa.Integer(), nullable=False),
    )
    op.create_index(
        "clock_due", "clock", ["agency", "record_class", "anchor"], postgresql_where=sa.text("anchor IS NOT NULL")
    )
    op.create_table(
        "register",
        sa.Column("entry", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("record_class", sa.String(), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("anchor", timestamp),
        sa.Column("due_at", timestamp),
        sa.Column("done_at", timestamp, nullable=False),
    )
    op.create_index("register_record", "register", ["record_class", "record_id"], unique=True)
    op.create_index("register_agency", "register", ["agency", "record_class", "done_at"])
    op.execute(
        """
        CREATE FUNCTION register_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the register is append-only';
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER register_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON register "
        "FOR EACH STATEMENT EXECUTE FUNCTION register_is_append_only()"
    )
    op.create_table(
        "outbox",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", timestamp, nullable=False, server_default=sa.func.now()),
        sa.Column("published_at", timestamp),
    )
    op.create_index("outbox_unsent", "outbox", ["seq"], postgresql_where=sa.text("published_at IS NULL"))
    op.create_index("outbox_recorded", "outbox", ["recorded_at"], postgresql_using="brin")
