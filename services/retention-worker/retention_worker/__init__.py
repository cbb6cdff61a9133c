"""The clock: what is due, the sweep, and the register of what was erased."""
