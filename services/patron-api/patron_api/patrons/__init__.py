"""The patron: register, read, change, and the snapshot that lending follows."""
