"""Who is erased, by the random id alone."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "erased_patron",
        sa.Column("patron_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("patron_id"),
    )
