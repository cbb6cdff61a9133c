"""Marks: how far the database of each owner was, so that one that came from a backup is recognised."""
