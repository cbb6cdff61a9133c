"""Composition: all of Glem on one machine."""
