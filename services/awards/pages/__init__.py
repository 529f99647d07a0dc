"""What the public and the staff see of awards."""
