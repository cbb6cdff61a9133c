"""Blocks: why a patron may not borrow, and since when (R14, R15, R57)."""
