"""Viewings: that staff looked at the ended loans of a patron, so that it can be answered for (R41, R84)."""
