"""The log: every outcome a leaf of a Merkle tree (RFC 9162) that anyone can check, and that names no record and no patron."""
