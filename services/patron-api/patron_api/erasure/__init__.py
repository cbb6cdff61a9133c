"""Erase me: the request, its progress through all services, and the end of the patron (R32)."""
