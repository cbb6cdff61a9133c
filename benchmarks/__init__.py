"""Speed, as ratios to the plainest program that does the same work, in one run: `make bench`."""
