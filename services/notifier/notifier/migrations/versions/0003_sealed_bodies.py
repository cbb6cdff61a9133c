"""Bodies are kept sealed, each with a key of its own outside the database. Those kept in the clear before go; the overview stays."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM message_subject s USING message_body b WHERE b.message_id = s.message_id")
    op.drop_table("message_body")
    op.create_table(
        "message_body",
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("key_page", sa.Date(), nullable=False),
        sa.Column("key_slot", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("anchor", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clock_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("message_id"),
    )
    op.create_index("message_body_key", "message_body", ["key_page"])
    op.create_index("message_body_sent", "message_body", ["agency", "sent_at"])
    op.create_table(
        "spent_key",
        sa.Column("page", sa.Date(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("page", "slot"),
    )
    op.create_table(
        "key_book",
        sa.Column("book_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.CheckConstraint("book_id = 1", name="key_book_is_one"),
        sa.PrimaryKeyConstraint("book_id"),
    )
    op.execute("INSERT INTO key_book (book_id, name) VALUES (1, gen_random_uuid()::text)")


def downgrade() -> None:
    op.drop_table("key_book")
    op.drop_table("spent_key")
    op.execute("DELETE FROM message_subject s USING message_body b WHERE b.message_id = s.message_id")
    op.drop_table("message_body")
    op.create_table(
        "message_body",
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("anchor", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clock_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("message_id"),
    )
    op.create_index("message_body_sent", "message_body", ["agency", "sent_at"])
