"""The assessors and the Council's inspection teams: what the criteria give, and why."""
