"""Sweeps: what is due goes, oldest first, by orders to the owners."""
