"""The embedded stack: real PostgreSQL, a real Kafka broker, mail, proxy and the four services."""
