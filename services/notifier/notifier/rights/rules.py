"""Which columns of notifier's tables are about a person, where a person's rows are, and what is left out with which reason."""

from glem_retention.holdings import Holding
from notifier.base import metadata
from notifier.messages import tables as messages
from notifier.sending import tables as sending

_DECLARED = (messages, sending)
MESSAGES = Holding(
    "message",
    metadata.tables["message"],
    "patron_id = $1 AND ($2::timestamptz IS NULL OR coalesce(sent_at, created_at) > $2)",
    extra={"message_id": "message_id"},
)
DELIVERIES = Holding(
    "delivery",
    metadata.tables["delivery"],
    "message_id IN (SELECT message_id FROM message WHERE patron_id = $1)",
)
EVERYTHING = (MESSAGES, DELIVERIES)
TEXT_FIELDS = {"subject": "proof of what was written (R58)", "body": "proof of what was written (R58)"}
SHOWN_OTHERWISE = {
    "message_body": "read as the overview reads it, which hides what is due (test_rights)",
    "message_subject": "ids of loans, reservations and debts, which lending shows with their titles",
}
