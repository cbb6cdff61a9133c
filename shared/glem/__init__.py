"""The words and pipes that the Glem services share; never a rule about a patron."""
