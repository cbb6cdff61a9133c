"""Status: what an operator and a data protection officer look at."""
