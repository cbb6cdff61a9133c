"""The retention worker: clocks, sweeps, audits, and the register of erased records."""
