"""Material that a chargeback took away keeps its clock until the worker's order; what is away by an order has none."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE debt SET anchor = NULL WHERE redacted AND anchor IS NOT NULL")
    op.create_index(
        "debt_unregistered",
        "debt",
        ["agency", "anchor"],
        postgresql_where=sa.text("redacted AND anchor IS NOT NULL"),
    )
