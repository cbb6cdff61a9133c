"""The works that a homebound patron has had, by consent, so that the same books are not sent twice (R43, R44)."""
