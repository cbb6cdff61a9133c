"""Works, items, loans, reservations and debts."""
