"""Who the patron is, what they agreed to, how they log in, and their rights."""
