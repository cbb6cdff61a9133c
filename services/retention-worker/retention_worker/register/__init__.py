"""The register: what was erased, when, and by which policy; append-only, no personal data."""
