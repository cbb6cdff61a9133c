"""A permission as proof: who gave it, when, to which wording, and when it was withdrawn."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Index, text

from glem_retention.personal import TIMESTAMP, personal, plain
from patron_api.base import Table

PROOF = "prove the permission for SMS and e-mail (R12)"
SIGNED = "prove the written consent of a homebound patron (R43)"


class Consent(Table, table=True):
    """Consent for one purpose (`sms`, `email`, `homebound-history`).

    `given_at` is null where the agency's default was in force until withdrawn. What is consented to in writing says when it was
    signed, and by whom (patron or guardian).
    """

    __tablename__ = "consent"
    __table_args__ = (
        Index("consent_open", "patron_id", "purpose", unique=True, postgresql_where=text("withdrawn_at IS NULL")),
        Index("consent_patron", "patron_id", "purpose"),
    )

    consent_id: int = plain(primary_key=True, sa_type=BigInteger)
    agency: str = plain()
    patron_id: int = personal(PROOF, "patron", sa_type=BigInteger, foreign_key="patron.patron_id", ondelete="CASCADE")
    purpose: str = personal(PROOF, "patron")
    wording: str = plain()
    given_at: datetime | None = personal(PROOF, "patron", default=None, sa_type=TIMESTAMP)
    given_by: str | None = personal(PROOF, "patron", default=None)
    withdrawn_at: datetime | None = personal(PROOF, "patron", default=None, sa_type=TIMESTAMP)
    withdrawn_by: str | None = personal(PROOF, "patron", default=None)
    signed_on: date | None = personal(SIGNED, "patron", default=None)
    signed_by: str | None = personal(SIGNED, "patron", default=None)
