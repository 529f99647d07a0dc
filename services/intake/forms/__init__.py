"""What comes to intake by HTTP."""
