"""The register: which records were erased, when, and by which policy; append-only, without personal data."""
