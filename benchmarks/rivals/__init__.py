"""Job libraries that schedule and execute timed erasures: each in a process of its own, at its fastest durable settings."""
