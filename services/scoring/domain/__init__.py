"""What the criteria give: pure decisions, without a clock and without a database."""
