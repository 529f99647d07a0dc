"""What staff see of intake."""
