"""Lines of the access log go by the clock: the retention worker is told of those that there are."""

from glem_retention.migrating import tell_clocks

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    tell_clocks(
        "patron-api",
        "glem.patrons",
        "PatronDataKept",
        "access-log",
        "SELECT agency, entry_id AS record_id, 1 AS version, at AS anchor FROM access_log",
    )
