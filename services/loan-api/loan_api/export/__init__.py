"""What lending holds about one person, for the export (R106)."""
