"""Messages: which, in which language, by which channel; and the overview of them."""
