"""Sweeps: due records are erased, oldest first, by orders to the owners."""
