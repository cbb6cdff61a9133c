"""Borrowers: what lending needs to know of each patron, fed by events; no name."""
