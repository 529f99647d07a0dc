"""Scoring's tables and queries: `facts` learned from others, `sheets`, `marks`, `results`."""
