"""The contestants: each a process that drains one topic into one database."""
