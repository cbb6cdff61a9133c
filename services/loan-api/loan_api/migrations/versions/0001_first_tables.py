"""Works, items, borrowers, loans, reservations, debts, and the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("pickup_numbers", start=1, minvalue=1, maxvalue=9999, cycle=True)))
    op.create_table(
        "borrower",
        sa.Column("patron_id", sa.BigInteger(), nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("erased", sa.Boolean(), nullable=False),
        sa.Column("patron_group", sa.String(), nullable=True),
        sa.Column("age_band", sa.Integer(), nullable=True),
        sa.Column("home_branch", sa.String(), nullable=True),
        sa.Column("blocks", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("absent_from", sa.Date(), nullable=True),
        sa.Column("absent_until", sa.Date(), nullable=True),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("balance_version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("patron_id"),
    )
    op.create_table(
        "debt",
        sa.Column("debt_id", sa.BigInteger(), nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("patron_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("redacted", sa.Boolean(), nullable=False),
        sa.Column("anchor", sa.DateTime(timezone=True), nullable=True),
        sa.Column("amount_anchor", sa.DateTime(timezone=True), nullable=True),
        sa.Column("clock_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("debt_id"),
    )
    op.create_index("debt_patron", "debt", ["patron_id"], unique=False)
    op.create_index(
        "debt_settled",
        "debt",
        ["agency", "settled_at"],
        unique=False,
        postgresql_where=sa.text("settled_at IS NOT NULL"),
    )
    op.create_index(
        "debt_with_material",
        "debt",
        ["agency", "settled_at"],
        unique=False,
        postgresql_where=sa.text("settled_at IS NOT NULL AND NOT redacted"),
    )
    op.create_table(
        "debt_entry",
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("debt_id", sa.BigInteger(), nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("order_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("entry_id"),
    )
    op.create_index("debt_entry_debt", "debt_entry", ["debt_id"], unique=False)
    op.create_index("debt_entry_order", "debt_entry", ["agency", "order_id"], unique=False)
    op.create_table(
        "debt_material",
        sa.Column("debt_id", sa.BigInteger(), nullable=False),
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("work_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("debt_id", "loan_id"),
    )
    op.create_index("debt_material_loan", "debt_material", ["loan_id"], unique=False)
    op.create_table(
        "debt_total",
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("entry", sa.String(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agency", "day", "kind", "entry"),
    )
    op.create_table(
        "item",
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("barcode", sa.String(), nullable=False),
        sa.Column("work_id", sa.String(), nullable=False),
        sa.Column("branch", sa.String(), nullable=False),
        sa.Column("price", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("item_id"),
    )
    op.create_index("item_barcode", "item", ["agency", "barcode"], unique=True)
    op.create_index("item_work", "item", ["agency", "work_id"], unique=False)
    op.create_table(
        "loan",
        sa.Column("loan_id", sa.BigInteger(), nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("patron_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("work_id", sa.String(), nullable=False),
        sa.Column("branch", sa.String(), nullable=False),
        sa.Column("loaned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("renewals", sa.Integer(), nullable=False),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_as", sa.String(), nullable=True),
        sa.Column("return_key", sa.String(), nullable=True),
        sa.Column("due_soon_told", sa.Date(), nullable=True),
        sa.Column("reminders", sa.Integer(), nullable=False),
        sa.Column("anchor", sa.DateTime(timezone=True), nullable=True),
        sa.Column("clock_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("loan_id"),
    )
    op.create_index(
        "loan_calendar", "loan", ["agency", "due_on"], unique=False, postgresql_where=sa.text("returned_at IS NULL")
    )
    op.create_index("loan_open_item", "loan", ["item_id"], unique=True, postgresql_where=sa.text("returned_at IS NULL"))
    op.create_index("loan_patron", "loan", ["patron_id"], unique=False)
    op.create_index(
        "loan_return_key",
        "loan",
        ["item_id", "return_key"],
        unique=False,
        postgresql_where=sa.text("return_key IS NOT NULL"),
    )
    op.create_index(
        "loan_given_up", "loan", ["item_id"], unique=False, postgresql_where=sa.text("closed_as IS NOT NULL")
    )
    op.create_index(
        "loan_returned",
        "loan",
        ["agency", "returned_at"],
        unique=False,
        postgresql_where=sa.text("returned_at IS NOT NULL"),
    )
    op.create_table(
        "outbox",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_index("outbox_recorded", "outbox", ["recorded_at"], postgresql_using="brin")
    op.create_index("outbox_unsent", "outbox", ["seq"], unique=False, postgresql_where=sa.text("published_at IS NULL"))
    op.create_table(
        "payment",
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("patron_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("agency", "order_id"),
    )
    op.create_table(
        "reservation",
        sa.Column("reservation_id", sa.BigInteger(), nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("patron_id", sa.BigInteger(), nullable=False),
        sa.Column("work_id", sa.String(), nullable=False),
        sa.Column("pickup_branch", sa.String(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=True),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pickup_deadline", sa.Date(), nullable=True),
        sa.Column("pickup_number", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("reservation_id"),
    )
    op.create_index(
        "reservation_deadline",
        "reservation",
        ["agency", "pickup_deadline"],
        unique=False,
        postgresql_where=sa.text("state = 'ready'"),
    )
    op.create_index("reservation_expiry", "reservation", ["agency", "expires_on"], unique=False)
    op.create_index(
        "reservation_item", "reservation", ["item_id"], unique=True, postgresql_where=sa.text("item_id IS NOT NULL")
    )
    op.create_index("reservation_patron", "reservation", ["patron_id", "work_id"], unique=True)
    op.create_index("reservation_queue", "reservation", ["agency", "work_id", "placed_at"], unique=False)
    op.create_table(
        "work",
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("work_id", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("creator", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("popularity_rank", sa.Integer(), nullable=True),
        sa.Column("age_limit", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("agency", "work_id"),
    )


def downgrade() -> None:
    for table in (
        "work",
        "reservation",
        "payment",
        "outbox",
        "loan",
        "item",
        "debt_total",
        "debt_material",
        "debt_entry",
        "debt",
        "borrower",
    ):
        op.drop_table(table)
    op.execute(sa.schema.DropSequence(sa.Sequence("pickup_numbers")))
