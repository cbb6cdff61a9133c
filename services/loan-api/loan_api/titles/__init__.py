"""What other services may ask about loans, reservations and debts."""
