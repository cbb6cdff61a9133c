"""Reservations: a queue per work, the pick-up shelf; gone the moment they end."""
