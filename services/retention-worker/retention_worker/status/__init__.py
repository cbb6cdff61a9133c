"""Status: the state of erasure, for operators and data protection officers."""
