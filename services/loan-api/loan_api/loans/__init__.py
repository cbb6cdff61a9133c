"""Loans: check out, check in, renew, undo, close as lost."""
