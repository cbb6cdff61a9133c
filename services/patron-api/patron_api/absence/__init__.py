"""The absence: a period in which no reservation is filled (R13)."""
