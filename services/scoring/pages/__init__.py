"""What the ward's staff see of scoring."""
