"""The internal note and the note to the patron, which expire (R22, R23)."""
