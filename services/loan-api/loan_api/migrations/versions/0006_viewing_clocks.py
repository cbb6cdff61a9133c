"""Viewings go by the clock: the retention worker is told of those that there are."""

from glem_retention.migrating import tell_clocks

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tell_clocks(
        "loan-api",
        "glem.loans",
        "LendingDataKept",
        "viewing",
        "SELECT agency, viewing_id AS record_id, 1 AS version, at AS anchor FROM viewing",
    )
