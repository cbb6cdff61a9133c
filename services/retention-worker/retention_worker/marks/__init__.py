"""Marks: where the database of each owner stood, so that a restored database is recognised."""
