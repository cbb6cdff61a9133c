"""Cards: what a patron borrows and logs in with (R20, R24, R26, R30)."""
