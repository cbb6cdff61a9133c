"""Phones, e-mail addresses and postal addresses; old values go as they are replaced (R4, R8-R11)."""
