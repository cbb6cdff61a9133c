"""See my data: everything that the suite holds about a patron, to read and to take along (R106)."""
