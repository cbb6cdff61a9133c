"""Clocks: the anchor of every record that will fall due."""
