"""Claims: the patron says that an item is back, and the library cannot find it."""
