"""Consent in writing that works are remembered for a homebound patron (R43, R44)."""
