"""What a message may use of a patron."""

from collections.abc import Mapping
from typing import Any

from patron_api.agency import PatronRules
from patron_api.permissions.rules import permitted


def usable(row: Mapping[str, Any], rules: PatronRules) -> dict[str, Any]:
    """Return what a message may use: permitted channels only (R12), no protected name (R25)."""
    return {
        "patron_id": row["patron_id"],
        "agency": row["agency"],
        "language": row["language"],
        "name": None if row["protected"] else row["name"],
        "protected": row["protected"],
        "email": row["email"] if permitted(row["email_consent"], rules) else None,
        "sms": row["sms"] if permitted(row["sms_consent"], rules) else None,
        "patron_note": row["patron_note"],
        "deceased": row["deceased"],
    }
