"""The log of receipts (leaves, tiles, heads, key; a salt for each clock) and legal holds."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    timestamp = sa.DateTime(timezone=True)
    op.add_column("clock", sa.Column("held_until", timestamp))
    op.add_column(
        "clock",
        sa.Column(
            "salt",
            sa.LargeBinary(),
            nullable=False,
            server_default=sa.text("sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))"),
        ),
    )
    op.create_index(
        "clock_held", "clock", ["agency", "record_class", "anchor"], postgresql_where=sa.text("held_until IS NOT NULL")
    )
    op.create_table(
        "leaf",
        sa.Column("leaf_index", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("hour", timestamp, nullable=False),
        sa.Column("commitment", sa.LargeBinary()),
        sa.Column("record_class", sa.String()),
        sa.Column("action", sa.String()),
        sa.Column("policy_version", sa.Integer()),
        sa.Column("disputes", sa.BigInteger()),
        sa.Column("reason", sa.String()),
        sa.CheckConstraint("(commitment IS NULL) <> (disputes IS NULL)", name="leaf_is_receipt_or_dispute"),
    )
    op.create_index("leaf_commitment", "leaf", ["commitment"], unique=True)
    op.create_index(
        "leaf_disputes", "leaf", ["disputes", "reason"], unique=True, postgresql_where=sa.text("disputes IS NOT NULL")
    )
    op.create_table(
        "tile",
        sa.Column("level", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("tile_index", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
    )
    # Hashes do not compress; trying would cost more than writing them.
    op.execute("ALTER TABLE tile ALTER COLUMN hashes SET STORAGE EXTERNAL")
    op.create_table(
        "tree_head",
        sa.Column("size", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("signed_at", timestamp, primary_key=True),
        sa.Column("log_id", sa.String(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "log_key",
        sa.Column("key_id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("seed", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", timestamp, nullable=False),
        sa.CheckConstraint("key_id = 1", name="log_key_is_one"),
    )
    op.execute(
        """
        CREATE FUNCTION log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the log is append-only';
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER leaf_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON leaf "
        "FOR EACH STATEMENT EXECUTE FUNCTION log_is_append_only()"
    )
    op.execute(
        "CREATE TRIGGER tile_append_only BEFORE DELETE OR TRUNCATE ON tile "
        "FOR EACH STATEMENT EXECUTE FUNCTION log_is_append_only()"
    )
    op.execute(
        "CREATE TRIGGER tile_grows_at_its_end BEFORE UPDATE ON tile FOR EACH ROW "
        "WHEN (substring(NEW.hashes FOR length(OLD.hashes)) IS DISTINCT FROM OLD.hashes) "
        "EXECUTE FUNCTION log_is_append_only()"
    )
    op.execute(
        "CREATE TRIGGER tree_head_unchanged BEFORE UPDATE OR TRUNCATE ON tree_head "
        "FOR EACH STATEMENT EXECUTE FUNCTION log_is_append_only()"
    )
    op.create_table(
        "legal_hold",
        sa.Column("hold_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("placed_at", timestamp, nullable=False),
        sa.Column("ends_at", timestamp, nullable=False),
        sa.Column("released_at", timestamp),
        sa.Column("released_by", sa.String()),
    )
    op.create_index("legal_hold_end", "legal_hold", ["ends_at"])
    op.create_table(
        "held_record",
        sa.Column("hold_id", sa.BigInteger(), sa.ForeignKey("legal_hold.hold_id"), primary_key=True),
        sa.Column("record_class", sa.String(), primary_key=True),
        sa.Column("record_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("agency", sa.String(), nullable=False),
    )
    op.create_index("held_record_record", "held_record", ["record_class", "record_id"])
