"""PostgreSQL, Kafka, mail and SMS for a machine without Docker: for development, the demo and the tests, never for production."""
