"""Stories over HTTP, on both compositions. A package, so that the suites which its tests share end with its last test."""
