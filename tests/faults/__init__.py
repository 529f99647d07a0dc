"""What tests put between a client and a server to harm their connections."""
