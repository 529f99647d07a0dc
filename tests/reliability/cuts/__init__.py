"""The kernel's loops while connections, servers and instances come and go."""
