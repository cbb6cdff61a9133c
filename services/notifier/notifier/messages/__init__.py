"""The overview of messages, their bodies while kept, and what each speaks of."""
