"""Debts: fees and compensations, payments, waivers, reversals."""
