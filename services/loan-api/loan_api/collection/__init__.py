"""Debts that are with the debt collector: open until the collector reports their end."""
