"""The end of a patron in lending: asked for, refused while something is open, then done at once (R32)."""
