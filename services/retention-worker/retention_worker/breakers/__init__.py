"""Breakers: when far more falls due on one day than usual, that day's records wait for a second look."""
