"""What only owners of records and the retention worker use: record classes, policies, disposals, restoring, what is held."""
