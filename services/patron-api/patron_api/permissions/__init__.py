"""Permission to send messages by SMS and by e-mail (R12)."""
