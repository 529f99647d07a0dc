"""What notify decides, without I/O, clock or framework."""
