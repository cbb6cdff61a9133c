"""Guardians and their written consent (R26-R28)."""
