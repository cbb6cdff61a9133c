"""Claims, debts in collection, and the log of what staff looks at."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    timestamp = sa.DateTime(timezone=True)
    op.add_column("loan", sa.Column("claimed_at", timestamp, nullable=True))
    op.add_column("debt", sa.Column("in_collection_since", timestamp, nullable=True))
    op.create_table(
        "viewing",
        sa.Column("viewing_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("staff", sa.String(), nullable=False),
        sa.Column("patron_id", sa.BigInteger(), nullable=False),
        sa.Column("at", timestamp, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("viewing_id"),
    )
    op.create_index("viewing_patron", "viewing", ["patron_id"])
    op.create_index("viewing_staff", "viewing", ["agency", "staff", "at"])
    op.create_index("viewing_age", "viewing", ["agency", "at"])
    op.create_table(
        "viewed_loan",
        sa.Column("viewing_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("loan_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("viewing_id", "loan_id"),
    )
    op.create_index("viewed_loan_loan", "viewed_loan", ["loan_id"])
