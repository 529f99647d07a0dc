"""What is done at intake: load, decide, store, publish."""
