"""What the council, the Chairman and the law decide: pure functions over frozen data."""
