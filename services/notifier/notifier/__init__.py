"""Which message goes to whom, in which language, by which channel; and the overview of them."""
