"""Audits: asking the owners what they hold past its period, so that a lost event loses nothing."""
