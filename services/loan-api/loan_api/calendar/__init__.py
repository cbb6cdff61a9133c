"""What the calendar asks for: reminders, and the ends of reservations."""
