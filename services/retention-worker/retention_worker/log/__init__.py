"""The log: each outcome is a leaf of a Merkle tree (RFC 9162) that anyone can check; it names no record and no patron."""
