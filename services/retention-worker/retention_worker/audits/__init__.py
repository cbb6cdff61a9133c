"""Audits: asking the owners for records past their period, so that a lost event loses no erasure."""
