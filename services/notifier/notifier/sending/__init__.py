"""The queue of messages and their way out: whom they reach, what they say, and the gateways."""
