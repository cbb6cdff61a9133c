"""What other services ask about patrons, when they need it."""
