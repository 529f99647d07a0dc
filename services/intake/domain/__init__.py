"""What intake decides, without I/O, clock or framework."""
