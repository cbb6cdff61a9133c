"""Returns: checking in, undoing it, and giving up what does not come back."""
