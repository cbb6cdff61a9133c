"""The topics, and types that events share."""

PATRONS, LOANS, RESERVATIONS = "glem.patrons", "glem.loans", "glem.reservations"
DEBTS, MESSAGES, RETENTION = "glem.debts", "glem.messages", "glem.retention"
DEAD_LETTERS = "glem.dead-letters"
HOMEBOUND_HISTORY = "homebound-history"
"""The purpose of the consent by which a homebound patron's works are remembered (R43, R44)."""
TOPICS = (PATRONS, LOANS, RESERVATIONS, DEBTS, MESSAGES, RETENTION, DEAD_LETTERS)
